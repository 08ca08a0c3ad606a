package platform

import (
	"net/http"

	"lanyard/internal/httpkit"
	"lanyard/internal/telemetry"
)

// Records says how it stands with the records of tokens.
type Records = telemetry.Records

// Verified says whether the records of tokens are those that were written.
type Verified = telemetry.Verified

// signInRecords answers who got tokens and who did not. Its parameters are those of `lanyard logs signins`.
func (p *Platform) signInRecords(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	wanted := telemetry.Wanted{
		From: q.moment("since"), To: q.moment("until"), App: q.id("app"), Identity: q.Get("identity"), Result: telemetry.Result(q.Get("result")),
		Before: q.number("before", 0), After: q.number("after", 0), Most: q.most("top", 1, defaultTop),
	}
	switch wanted.Result {
	case "", telemetry.Any, telemetry.Success, telemetry.Failure:
	default:
		q.wrong("result", "it is success, failure or all")
	}
	if q.err != nil {
		return q.err
	}
	found, err := p.signIns.Find(r.Context(), wanted)
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": found, "records": p.signIns.Records()})
}

// deliveries answers how often tokens were given out again.
func (p *Platform) deliveries(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	since, most := q.moment("since"), q.most("top", 1, defaultTop)
	if q.err != nil {
		return q.err
	}
	found, err := p.signIns.Deliveries(r.Context(), q.Get("identity"), since, most)
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": found})
}

// verifySignIns answers whether the records of tokens are those that were written.
func (p *Platform) verifySignIns(w http.ResponseWriter, r *http.Request) error {
	v, err := p.signIns.Verify(r.Context(), r.URL.Query().Get("head"))
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, v)
}
