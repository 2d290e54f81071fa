package caddymodule

import (
	"bytes"
	"encoding/json"
)

// appendLine appends a value to JSON lines.
func appendLine(lines []byte, value any) ([]byte, error) {
	line, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return append(append(lines, line...), '\n'), nil
}

// eachLine gives the value of each of JSON lines to f, until one is damaged.
func eachLine[T any](lines []byte, f func(T)) error {
	for line := range bytes.Lines(lines) {
		var value T
		if err := json.Unmarshal(line, &value); err != nil {
			return err
		}
		f(value)
	}
	return nil
}
