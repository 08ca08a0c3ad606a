package platform

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

func (p *Platform) keys(w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, json.RawMessage(p.issuer.KeySet()))
}

func (p *Platform) rotateKeys(w http.ResponseWriter, r *http.Request) error {
	if err := p.issuer.Rotate(r.Context()); errors.Is(err, issuer.ErrHeld) {
		return fault.New(fault.Conflict, "RotationIsHeld", "Rotation of signing keys is held since %s.", p.issuer.Held().Format(time.RFC3339)).
			Try("lanyard token keys release")
	} else if errors.Is(err, issuer.ErrTooManyKeys) {
		return fault.New(fault.Conflict, "TooManyKeys", "Too many signing keys are kept already; the oldest go within two days.")
	} else if err != nil {
		return err
	}
	return p.keys(w, r)
}

func (p *Platform) holdKeys(w http.ResponseWriter, r *http.Request) error {
	if err := p.issuer.Hold(r.Context()); err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"heldSince": p.issuer.Held()})
}

func (p *Platform) releaseKeys(w http.ResponseWriter, r *http.Request) error {
	if err := p.issuer.Release(r.Context()); err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"heldSince": nil})
}
