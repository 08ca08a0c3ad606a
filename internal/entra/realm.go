package entra

import (
	"net/http"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// realm is where an account's password is kept (wire-facts: "User realm"): version 1.0, as MSAL asks
// before it would send one.
type realm struct {
	Version  string `json:"ver"`
	Type     string `json:"account_type"`
	Domain   string `json:"domain_name,omitempty"`
	Cloud    string `json:"cloud_instance_name"`
	Audience string `json:"cloud_audience_urn"`
}

// realmV2 is versions 2.0 and 2.1, as sign-in pages ask.
type realmV2 struct {
	NameSpace string `json:"NameSpaceType"`
	Login     string `json:"Login"`
	Domain    string `json:"DomainName,omitempty"`
	Brand     string `json:"FederationBrandName,omitempty"`
	Cloud     string `json:"cloud_instance_name"`
	Audience  string `json:"cloud_audience_urn"`
}

const (
	realmCloud    = "microsoftonline.com"
	realmAudience = "urn:federation:MicrosoftOnline"
)

// realm tells Managed for every name of this tenant's domain, whether or not somebody has it: who
// exists is not told to strangers.
func (d *Door) realm(w http.ResponseWriter, r *http.Request) error {
	user := r.PathValue("user")
	if user == "" {
		user = r.URL.Query().Get("user")
	}
	if user == "" {
		return missing("user")
	}
	kind, under := "Unknown", ""
	if _, at, _ := strings.Cut(strings.ToLower(user), "@"); at == d.Profile.Domain {
		kind, under = "Managed", d.Profile.Domain
	}
	switch v := r.URL.Query().Get("api-version"); v {
	case "", "1.0":
		return httpkit.WriteJSON(w, http.StatusOK, realm{Version: "1.0", Type: kind, Domain: under, Cloud: realmCloud, Audience: realmAudience})
	case "2.0", "2.1":
		return httpkit.WriteJSON(w, http.StatusOK, realmV2{NameSpace: kind, Login: fault.Clip(user), Domain: under, Brand: under, Cloud: realmCloud, Audience: realmAudience})
	default:
		return malformed("user realms have no api-version %s; they have 1.0, 2.0 and 2.1", fault.Clip(v))
	}
}
