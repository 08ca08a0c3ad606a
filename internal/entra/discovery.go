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
// Entra's own members (wire-facts: "Discovery"). What is not offered is not listed, except the
// authorization endpoint, without which MSAL refuses the whole document.
type configuration struct {
	Issuer          string   `json:"issuer"`
	Authorization   string   `json:"authorization_endpoint"`
	Token           string   `json:"token_endpoint"`
	Keys            string   `json:"jwks_uri"`
	Authentication  []string `json:"token_endpoint_auth_methods_supported"`
	Grants          []string `json:"grant_types_supported"`
	Responses       []string `json:"response_types_supported"`
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
	return d.show(w, configuration{
		// The issuer's host is the authority's: MSAL compares them. The issuer of access tokens is
		// that of the v1.0 document, as in Entra for resources that take v1.0 tokens.
		Issuer:        d.base(r) + "/" + issuerTenant(home) + "/v2.0",
		Authorization: at + "/oauth2/v2.0/authorize",
		Token:         at + "/oauth2/v2.0/token",
		Keys:          at + "/discovery/v2.0/keys",
	})
}

func (d *Door) discoverV1(w http.ResponseWriter, r *http.Request) error {
	home, err := d.home(r)
	if err != nil {
		return err
	}
	at := d.base(r) + "/" + home
	return d.show(w, configuration{
		Issuer:        d.Profile.Issuer(cloud.TenantID(issuerTenant(home))),
		Authorization: at + "/oauth2/authorize",
		Token:         at + "/oauth2/token",
		Keys:          d.base(r) + "/" + common + "/discovery/keys",
	})
}

func issuerTenant(home string) string {
	if home == common || home == organizations {
		return anyTenant
	}
	return home
}

// show completes a document with what both versions say.
func (d *Door) show(w http.ResponseWriter, c configuration) error {
	c.Authentication = []string{"client_secret_post", "client_secret_basic"}
	c.Grants = []string{"client_credentials"}
	c.Responses = []string{}
	c.Subjects = []string{"public"}
	c.Algorithms = []string{"RS256"}
	c.ClaimsSupported = []string{"sub", "iss", "aud", "exp", "iat", "nbf", "appid", "oid", "tid", "uti", "ver"}
	c.CloudInstance = d.Profile.Authority
	c.CloudGraph = d.Profile.Graph
	c.MicrosoftGraph = d.Profile.Graph
	w.Header().Set("Cache-Control", keptAnHour)
	return httpkit.WriteJSON(w, http.StatusOK, c)
}

// keySet answers with the keys; v1 and v2 differ in nothing but the path.
func (d *Door) keySet(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.home(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", keptNever)
	_, err := w.Write(d.Issuer.KeySet())
	return err
}
