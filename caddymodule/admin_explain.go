package caddymodule

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// maxExplainBody is far more than any request's headers.
const maxExplainBody = 64 << 10

// readExplainRequest says of whatever is wrong what to send, since what the
// decoder says speaks of Go.
func readExplainRequest(r *http.Request) (explainRequest, error) {
	var asked *explainRequest
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxExplainBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&asked)
	if err == nil && asked != nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return *asked, nil
		}
	}
	return explainRequest{}, errors.New("the body must be one JSON object of method, url, headers (a list of strings for each name) and from (an address), with nothing else in or after it, such as " +
		`{"method": "GET", "url": "https://app.example.com/dashboard", "headers": {"Accept": ["text/html"]}}`)
}

func (*Admin) explain(w http.ResponseWriter, r *http.Request) error {
	asked, err := readExplainRequest(r)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	e, err := explain(caddy.ActiveContext(), asked)
	if err != nil {
		return apiError(http.StatusBadRequest, err)
	}
	return writeAdmin(w, e)
}
