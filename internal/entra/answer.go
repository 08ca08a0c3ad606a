package entra

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// granted is the answer of the v2.0 token endpoint (RFC 6749 section 5.1); its numbers are numbers.
type granted struct {
	Type       string `json:"token_type"`
	Scope      string `json:"scope,omitempty"`
	Expires    int64  `json:"expires_in"`
	Extended   int64  `json:"ext_expires_in"`
	AccessJWT  string `json:"access_token"`
	Refresh    string `json:"refresh_token,omitempty"`
	IDToken    string `json:"id_token,omitempty"`
	ClientInfo string `json:"client_info,omitempty"`
	Family     string `json:"foci,omitempty"`
}

// grantedV1 is that of the v1 endpoint; its numbers are strings (wire-facts: "Token response").
type grantedV1 struct {
	Type       string `json:"token_type"`
	Scope      string `json:"scope,omitempty"`
	Expires    string `json:"expires_in"`
	Extended   string `json:"ext_expires_in"`
	ExpiresOn  string `json:"expires_on"`
	NotBefore  string `json:"not_before"`
	Resource   string `json:"resource"`
	AccessJWT  string `json:"access_token"`
	Refresh    string `json:"refresh_token,omitempty"`
	IDToken    string `json:"id_token,omitempty"`
	ClientInfo string `json:"client_info,omitempty"`
	Family     string `json:"foci,omitempty"`
}

func (d *Door) answer(w http.ResponseWriter, r *http.Request, o outcome) error {
	info, err := clientInfo(o.who)
	if err != nil {
		return err
	}
	unstored(w, r)
	left := d.left(o.access)
	return httpkit.WriteJSON(w, http.StatusOK, granted{
		Type: "Bearer", Scope: strings.Join(o.scopes, " "), Expires: left, Extended: left, AccessJWT: o.access.Token.Open(),
		Refresh: o.refresh.Open(), IDToken: o.id.Open(), ClientInfo: info, Family: o.family,
	})
}

func (d *Door) answerV1(w http.ResponseWriter, r *http.Request, o outcome) error {
	info, err := clientInfo(o.who)
	if err != nil {
		return err
	}
	unstored(w, r)
	left := strconv.FormatInt(d.left(o.access), 10)
	return httpkit.WriteJSON(w, http.StatusOK, grantedV1{
		Type: "Bearer", Scope: strings.Join(o.scopes, " "), Expires: left, Extended: left,
		ExpiresOn: strconv.FormatInt(o.access.Expires.Unix(), 10), NotBefore: strconv.FormatInt(o.access.Issued.Unix(), 10),
		Resource: o.resource, AccessJWT: o.access.Token.Open(),
		Refresh: o.refresh.Open(), IDToken: o.id.Open(), ClientInfo: info, Family: o.family,
	})
}

// left gives the seconds for which a token will go on living.
func (d *Door) left(m issuer.Minted) int64 { return int64(m.Expires.Sub(d.now()) / time.Second) }

// clientInfo tells MSAL by which two ids it is to remember a person (wire-facts: "Token response").
func clientInfo(who *cloud.Principal) (string, error) {
	if who == nil {
		return "", nil
	}
	text, err := json.Marshal(map[string]string{"uid": string(who.ID), "utid": string(who.Tenant)})
	return base64.RawURLEncoding.EncodeToString(text), err
}
