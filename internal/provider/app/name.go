package app

import (
	"context"
	"net/http"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider"
)

// availability says whether an app in an environment can be given a name (specs:
// CheckNameAvailabilityResponse).
type availability struct {
	Available bool   `json:"nameAvailable"`
	Reason    string `json:"reason"` // None, Invalid or AlreadyExists
	Message   string `json:"message"`
}

// checkName answers whether a name is free for an app in the environment's group.
func (e environment) checkName(_ context.Context, d *arm.Document, w http.ResponseWriter, r *http.Request) error {
	asked, err := provider.ReadNameCheck(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(asked.Type, Apps) {
		return provider.NotOffered("type: " + asked.Type)
	}
	if err := appName(asked.Name); err != nil {
		return httpkit.WriteJSON(w, http.StatusOK, availability{Reason: "Invalid", Message: fault.Of(err).Public})
	}
	id, err := d.ID.Parent().In(Apps, asked.Name)
	if err != nil {
		return err
	}
	if _, taken := e.Resources.Document(id); taken {
		return httpkit.WriteJSON(w, http.StatusOK, availability{Reason: "AlreadyExists", Message: "A container app with the name '" + asked.Name + "' already exists."})
	}
	return httpkit.WriteJSON(w, http.StatusOK, availability{Available: true, Reason: "None"})
}
