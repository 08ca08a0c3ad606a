package provider

import (
	"encoding/json"
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// NameCheck is what a checkNameAvailability operation is asked.
type NameCheck struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// ReadNameCheck reads the body of a checkNameAvailability operation.
func ReadNameCheck(r *http.Request) (NameCheck, error) {
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return NameCheck{}, err
	}
	var asked NameCheck
	if err := json.Unmarshal(body, &asked); err != nil {
		return asked, fault.New(fault.Invalid, "InvalidRequestContent", "The request content was invalid: it is not a name and a type.").Because(err)
	}
	return asked, nil
}
