package arm

import (
	"net/http"
	"strings"

	"lanyard/internal/httpkit"
)

// put creates a resource or replaces what it says (201, 200).
func (e *Engine) put(w http.ResponseWriter, r *http.Request, c call) error {
	return e.change(w, r, c, false)
}

// patch lays what was sent over what is there.
func (e *Engine) patch(w http.ResponseWriter, r *http.Request, c call) error {
	return e.change(w, r, c, true)
}

func (e *Engine) change(w http.ResponseWriter, r *http.Request, c call, merge bool) error {
	ctx := r.Context()
	if err := e.permit(ctx, c.caller, right(c.row.Type, "write"), c.id); err != nil {
		return err
	}
	body, err := httpkit.ReadBody(r)
	if err != nil {
		return err
	}
	sent, err := parseMembers(body)
	if err != nil {
		return err
	}
	d, created, err := e.write(ctx, &intent{id: c.id, row: c.row, caller: c.caller,
		body: sent, merge: merge, when: c.when})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		if c.row.Async {
			w.Header().Set("Azure-AsyncOperation", e.statusURL(r, d))
			w.Header().Set("Retry-After", "1")
		}
	}
	if c.row.Anew && !merge {
		status = http.StatusCreated
	}
	return e.answer(w, r, status, d)
}

// answer writes one document with its entity tag.
func (e *Engine) answer(w http.ResponseWriter, r *http.Request, status int, d *Document) error {
	tag, stored := d.etag(), d.Revision != 0
	shown, err := e.show(r.Context(), e.rows[strings.ToLower(d.ID.Type())], d)
	if err != nil {
		return err
	}
	if stored {
		w.Header().Set("ETag", tag)
	}
	return httpkit.WriteJSON(w, status, shown)
}
