package httpkit

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"lanyard/internal/fault"
)

// WriteJSON answers with v as JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// ReadBody gives the whole request body; a body over the door's bound is a TooLarge fault.
func ReadBody(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "RequestContentTooLarge", "The request's body is larger than %d bytes.", tooLarge.Limit)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "InvalidRequestContent", "The request's body ended before it was whole.").Because(err)
	}
	return b, nil
}
