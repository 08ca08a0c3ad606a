package entra

import (
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// How long caches on the way may keep what is discovered. Key sets none at all: a key is published
// for as long before it signs as verifiers themselves keep a key set, and no longer (T15).
const (
	keptAnHour = "max-age=3600, public"
	keptNever  = "no-cache"
)

// configuration is the OpenID provider's metadata (OpenID Connect Discovery 1.0 section 3), with
// Entra's own members (wire-facts: "Discovery"). What is not offered is not listed. The authorization
// endpoint is where a browser is sent, so it is that of the pages.
type configuration struct {
	Issuer          string   `json:"issuer"`
	Authorization   string   `json:"authorization_endpoint"`
	Token           string   `json:"token_endpoint"`
	Device          string   `json:"device_authorization_endpoint"`
	Logout          string   `json:"end_session_endpoint"`
	Keys            string   `json:"jwks_uri"`
	Authentication  []string `json:"token_endpoint_auth_methods_supported"`
	Signing         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Grants          []string `json:"grant_types_supported"`
	Responses       []string `json:"response_types_supported"`
	Modes           []string `json:"response_modes_supported"`
	Scopes          []string `json:"scopes_supported"`
	Challenges      []string `json:"code_challenge_methods_supported"`
	Subjects        []string `json:"subject_types_supported"`
	Algorithms      []string `json:"id_token_signing_alg_values_supported"`
	RequestURI      bool     `json:"request_uri_parameter_supported"`
	CloudInstance   string   `json:"cloud_instance_name"`
	CloudGraph      string   `json:"cloud_graph_host_name"`
	MicrosoftGraph  string   `json:"msgraph_host"`
	ClaimsSupported []string `json:"claims_supported"`
}

// anyTenant stands for the tenant's id in the issuers of documents that are for every tenant.
const anyTenant = "{tenantid}"

func (d *Door) discover(w http.ResponseWriter, r *http.Request) error {
	home, err := d.home(r)
	if err != nil {
		return err
	}
	at := d.base(r) + "/" + home
	return d.present(w, configuration{
		// The issuer's host is the authority's: MSAL compares them. The issuer of access tokens is
		// that of the v1.0 document, as in Entra for resources that take v1.0 tokens.
		Issuer:        d.base(r) + "/" + issuerTenant(home) + "/v2.0",
		Authorization: d.page(r) + "/" + home + "/oauth2/v2.0/authorize",
		Token:         at + "/oauth2/v2.0/token",
		Device:        at + "/oauth2/v2.0/devicecode",
		Logout:        d.page(r) + "/" + home + "/oauth2/v2.0/logout",
		Keys:          at + "/discovery/v2.0/keys",
	})
}

func (d *Door) discoverV1(w http.ResponseWriter, r *http.Request) error {
	home, err := d.home(r)
	if err != nil {
		return err
	}
	at := d.base(r) + "/" + home
	return d.present(w, configuration{
		Issuer:        d.Profile.Issuer(cloud.TenantID(issuerTenant(home))),
		Authorization: d.page(r) + "/" + home + "/oauth2/authorize",
		Token:         at + "/oauth2/token",
		Device:        at + "/oauth2/devicecode",
		Logout:        d.page(r) + "/" + home + "/oauth2/logout",
		Keys:          d.base(r) + "/" + common + "/discovery/keys",
	})
}

func issuerTenant(home string) string {
	if home == common || home == organizations {
		return anyTenant
	}
	return home
}

// present completes a document with what both versions say, and shows it.
func (d *Door) present(w http.ResponseWriter, c configuration) error {
	c.Authentication = []string{"client_secret_post", "private_key_jwt", "client_secret_basic"}
	c.Signing = []string{"RS256", "PS256"}
	c.Grants = []string{"client_credentials", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}
	c.Responses = []string{"code"}
	c.Modes = []string{byQuery, byForm}
	c.Scopes = []string{scopeOpenID, "profile", "email", scopeOffline}
	c.Challenges = []string{"S256"}
	c.Subjects = []string{"pairwise"}
	c.Algorithms = []string{"RS256"}
	c.ClaimsSupported = []string{"sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "name", "preferred_username", "oid", "tid", "uti", "ver"}
	c.CloudInstance = d.Profile.Authority
	c.CloudGraph = d.Profile.Graph
	c.MicrosoftGraph = d.Profile.Graph
	w.Header().Set("Cache-Control", keptAnHour)
	return httpkit.WriteJSON(w, http.StatusOK, c)
}

// keySetV2 is keySet for verifiers of id tokens, whose issuer each key then shows.
func (d *Door) keySetV2(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.home(r); err != nil {
		return err
	}
	return writeKeys(w, d.Issuer.KeySetOf(d.issuerOf(r, v2)))
}

// keySet answers with the keys for access tokens.
func (d *Door) keySet(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.home(r); err != nil {
		return err
	}
	return writeKeys(w, d.Issuer.KeySet())
}

func writeKeys(w http.ResponseWriter, set []byte) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", keptNever)
	_, err := w.Write(set)
	return err
}
