package arm

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Operations are not stored: their ids say which resource to look at. The id of a deletion holds
// the deletion's random name besides, so that it can be neither guessed nor taken for another's.

func encodeOperation(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\n")))
}

func decodeOperation(word string) (cloud.ID, string, error) {
	text, err := base64.RawURLEncoding.DecodeString(word)
	if err == nil {
		at, name, _ := strings.Cut(string(text), "\n")
		if id, err := cloud.ParseID(at); err == nil {
			return id, name, nil
		}
	}
	return cloud.ID{}, "", fault.New(fault.NotFound, "OperationNotFound", "The operation '%s' could not be found.", fault.Clip(word))
}

// resultURL is where a deletion is asked about.
func (e *Engine) resultURL(r *http.Request, marked *Document) string {
	return e.operationURL(r, marked.ID, "operationresults", encodeOperation(marked.ID.Key(), marked.Deleting))
}

// statusURL is where the creation of a resource is asked about.
func (e *Engine) statusURL(r *http.Request, d *Document) string {
	return e.operationURL(r, d.ID, "operationstatuses", encodeOperation(d.ID.Key()))
}

func (e *Engine) operationURL(r *http.Request, id cloud.ID, kind, word string) string {
	version := ""
	if known := e.resourcesVersions(); len(known) > 0 {
		version = known[0]
	}
	return e.origin(r) + "/subscriptions/" + id.Subscription() + "/" + kind + "/" + word + "?api-version=" + url.QueryEscape(version)
}

// origin gives the scheme and host under which the caller knows this API.
func (e *Engine) origin(r *http.Request) string {
	if r.TLS == nil && !e.Profile.Serves(r.Host) {
		return "http://" + r.Host
	}
	return "https://" + r.Host
}

// result answers 202 while a deletion is under way, and then 200 (wire-facts 5.4). The address
// itself is the right to ask: who was given rights at the group alone has lost them with it.
func (e *Engine) result(w http.ResponseWriter, r *http.Request, c call) error {
	id, name, err := decodeOperation(c.word)
	if err != nil {
		return err
	}
	if d, ok := e.Document(id); ok && name != "" && d.Deleting == name {
		w.Header().Set("Location", e.resultURL(r, d))
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// wireStatus is the body of an Azure-AsyncOperation address (wire-facts 5.4).
type wireStatus struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	StartTime string `json:"startTime,omitempty"`
	EndTime   string `json:"endTime,omitempty"`
}

// status answers how far the creation of a resource is, to who may read it.
func (e *Engine) status(w http.ResponseWriter, r *http.Request, c call) error {
	id, _, err := decodeOperation(c.word)
	if err != nil {
		return err
	}
	row, err := e.row(id.Type())
	if err != nil {
		return err
	}
	if err := e.permit(r.Context(), c.caller, right(row.Type, "read"), id); err != nil {
		return err
	}
	d, err := e.existing(r.Context(), id)
	if err != nil {
		return err
	}
	said := wireStatus{ID: r.URL.Path, Name: c.word, Status: d.state()}
	if d.SystemData != nil {
		said.StartTime = d.SystemData.CreatedAt
		if said.Status == succeeded {
			said.EndTime = d.SystemData.CreatedAt
		}
	}
	w.Header().Set("Retry-After", "1")
	return httpkit.WriteJSON(w, http.StatusOK, said)
}
