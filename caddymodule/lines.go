package caddymodule

import (
	"bytes"
	"encoding/json"
)

// encode writes as JSON what cannot fail to be written: values that were read from JSON, and
// our own of strings, numbers and booleans.
func encode(value any) []byte {
	encoded, _ := json.Marshal(value)
	return encoded
}

// appendLine appends a value to JSON lines.
func appendLine(lines []byte, value any) []byte { return append(append(lines, encode(value)...), '\n') }

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
