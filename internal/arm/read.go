package arm

import (
	"context"
	"net/http"

	"lanyard/internal/cloud"
)

// read answers with one resource. Rights come first: who may not read does not learn what exists.
func (e *Engine) read(w http.ResponseWriter, r *http.Request, c call) error {
	d, err := e.find(r.Context(), c)
	if err != nil {
		return err
	}
	if c.when.fresh(d) {
		w.Header().Set("ETag", d.etag())
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return e.answer(w, r, http.StatusOK, d)
}

// probe answers HEAD: 204 when the resource exists, 404 when not (wire-facts 5.8).
func (e *Engine) probe(w http.ResponseWriter, r *http.Request, c call) error {
	d, err := e.find(r.Context(), c)
	if err != nil {
		return err
	}
	if d.Revision != 0 { // computed ones have none
		w.Header().Set("ETag", d.etag())
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (e *Engine) find(ctx context.Context, c call) (*Document, error) {
	if err := e.permit(ctx, c.caller, right(c.row.Type, "read"), c.id); err != nil {
		return nil, err
	}
	return e.existing(ctx, c.id)
}

// existing gives a resource's document, stored or computed, or says what is missing.
func (e *Engine) existing(ctx context.Context, id cloud.ID) (*Document, error) {
	if _, err := e.ancestors(ctx, id); err != nil {
		return nil, err
	}
	d, err := e.known(ctx, id)
	if d == nil && err == nil {
		err = e.missing(id)
	}
	return d, err
}
