package sessionapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/session-guard/caddy-session-guard/session"
)

// maxBodySize bounds a request body, far above what fits into a session.
const maxBodySize = 64 << 10

// readBody reads the body, if there is one.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > maxBodySize { // said up front: nothing is read
		return nil, tooLarge(maxBodySize)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodySize))
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(over.Limit)
	}
	if err != nil || r.ContentLength > int64(len(body)) { // which HTTP/3 does not look at
		return nil, badRequest("The body is shorter than announced, or malformed.")
	}
	return body, nil
}

func tooLarge(limit int64) *problem {
	size := "64 KiB"
	if limit < maxBodySize { // of a handler in front
		size = fmt.Sprintf("%d bytes", limit)
	}
	return &problem{status: http.StatusRequestEntityTooLarge, detail: "The body is larger than " + size + "."}
}

// decodeBody decodes a body that must be one JSON object with no members but the
// known ones.
func decodeBody(r *http.Request, body []byte, known ...string) (map[string]any, error) {
	if !isJSON(r.Header) {
		return nil, &problem{status: http.StatusUnsupportedMediaType, detail: "The body must be application/json in UTF-8, without a Content-Encoding."}
	}
	members, err := session.DecodeObject(body)
	if err != nil {
		return nil, badRequest("The body must be one JSON object: " + err.Error() + ".")
	}
	if err := checkValue(members); err != nil {
		return nil, err
	}
	for name := range members {
		if len(known) > 0 && !slices.Contains(known, name) {
			return nil, badRequest("The body may have no members but: " + strings.Join(known, ", ") + ".")
		}
	}
	return members, nil
}

// isJSON reports whether the header says that the body is plain JSON. A form
// cannot send that type, so a page of another site needs a preflight, which is
// never granted.
func isJSON(header http.Header) bool {
	types := header.Values("Content-Type")
	if len(types) != 1 || len(header.Values("Content-Encoding")) > 0 {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	if err != nil || mediaType != mediaTypeJSON {
		return false
	}
	for name, value := range parameters {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// checkValue refuses what is JSON, but would hurt the app that reads it: a name
// that could reach the prototype of an object in JavaScript (prototype
// pollution), and a number that a double cannot hold (RFC 8259 section 6), at
// any depth.
func checkValue(value any) error {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if name == "__proto__" || name == "constructor" || name == "prototype" {
				return badRequest("The names __proto__, constructor and prototype are refused at any depth.")
			}
			if err := checkValue(member); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range value {
			if err := checkValue(element); err != nil {
				return err
			}
		}
	case json.Number:
		if _, err := value.Float64(); err != nil {
			return badRequest("A number is out of range.")
		}
	}
	return nil
}

// userOf returns the member user of a body.
func userOf(members map[string]any) (session.User, error) {
	user, ok := members["user"].(map[string]any)
	if !ok {
		return nil, badRequest(`The body must hold an object "user".`)
	}
	return user, nil
}

// memberNames lists the names of a member's own members in the order in which
// the client wrote them, so that a refusal can name the first. The body is one
// that decodeBody accepted.
func memberNames(body []byte, member string) ([]string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(members[member]))
	if _, err := decoder.Token(); err != nil { // the opening brace
		return nil, err
	}
	var names []string
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		names = append(names, name)
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// shortened keeps what a client wrote from filling an answer.
func shortened(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}
