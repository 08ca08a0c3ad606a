package cloud

import "time"

// Recall takes tokens back that were minted before it: those of one token id, of one identity, of one
// app, of one identity for one app, or all. Whatever is set must fit; nothing set fits every token.
type Recall struct {
	ID        string      `json:"id"` // a GUID of its own
	At        time.Time   `json:"at"`
	Token     string      `json:"token,omitempty"`     // uti
	Principal PrincipalID `json:"principal,omitempty"` // oid
	App       ID          `json:"app,omitzero"`        // the app for which they were minted
	// Refuse has guards refuse the tokens. Otherwise caches alone drop them, and they live on.
	Refuse bool `json:"refuse,omitempty"`
}

// Covers reports whether a recall takes back a token with that id, of that identity, minted for that
// app at that time.
func (r Recall) Covers(token string, of PrincipalID, app ID, minted time.Time) bool {
	return minted.Before(r.At) && (r.Token == "" || r.Token == token) &&
		(r.Principal == "" || r.Principal == of) && (r.App.IsZero() || r.App.Equal(app))
}
