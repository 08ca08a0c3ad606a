package arm

import (
	"net/http"

	"lanyard/internal/httpkit"
)

type wireTenant struct {
	ID            string   `json:"id"`
	TenantID      string   `json:"tenantId"`
	Category      string   `json:"tenantCategory"`
	DisplayName   string   `json:"displayName"`
	Domains       []string `json:"domains"`
	DefaultDomain string   `json:"defaultDomain"`
	Type          string   `json:"tenantType"`
}

// tenants lists the one directory there is, to everybody who is known to it: az asks for it when
// somebody signs in without naming a tenant (wire-facts 4.5).
func (e *Engine) tenants(w http.ResponseWriter, _ *http.Request, _ call) error {
	return httpkit.WriteJSON(w, http.StatusOK, map[string][]wireTenant{"value": {{
		ID: "/tenants/" + string(e.Tenant), TenantID: string(e.Tenant), Category: "Home", DisplayName: "Lanyard",
		Domains: []string{e.Profile.Domain}, DefaultDomain: e.Profile.Domain, Type: "AAD",
	}}})
}
