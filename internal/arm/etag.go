package arm

import (
	"fmt"
	"net/http"
	"strings"

	"lanyard/internal/fault"
)

// etag gives the document's entity tag, made from the store's revision of it.
func (d *Document) etag() string { return fmt.Sprintf(`"%016x"`, d.Revision) }

// condition is what a request demands of the state it meets (RFC 9110 section 13).
type condition struct {
	match     string // If-Match; empty demands nothing
	noneMatch string // If-None-Match
}

func conditionOf(r *http.Request) condition {
	return condition{
		match:     strings.Join(r.Header.Values("If-Match"), ","),
		noneMatch: strings.Join(r.Header.Values("If-None-Match"), ","),
	}
}

// check refuses when the condition does not hold for d; nil is the absence of a document.
func (c condition) check(d *Document) error {
	if c.match != "" && !d.named(c.match, true) || c.noneMatch != "" && d.named(c.noneMatch, false) {
		return fault.New(fault.Stale, "PreconditionFailed",
			"The condition specified by the ETag is not satisfied: the resource has changed since it was read.")
	}
	return nil
}

// fresh reports whether a reader already holds d.
func (c condition) fresh(d *Document) bool { return c.noneMatch != "" && d.named(c.noneMatch, false) }

// named reports whether a list of entity tags names d; clients send them quoted or bare. If-Match
// compares strongly: a weak tag never matches (RFC 9110 section 13.1.1).
func (d *Document) named(list string, strongly bool) bool {
	if d == nil {
		return false
	}
	for _, tag := range strings.Split(list, ",") {
		tag, weak := strings.CutPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || (!weak || !strongly) && strings.Trim(tag, `"`) == strings.Trim(d.etag(), `"`) {
			return true
		}
	}
	return false
}
