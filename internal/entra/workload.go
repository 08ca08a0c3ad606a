package entra

import (
	"net/http"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// workloadKeys is where the keys of workloads' own tokens are, under the tenant, as in AKS.
const workloadKeys = "/openid/v1/jwks"

// workloadMetadata is what the issuer of workloads' own tokens says of itself, with the members that
// Kubernetes publishes (OpenID Connect Discovery 1.0 section 3).
type workloadMetadata struct {
	Issuer     string   `json:"issuer"`
	Keys       string   `json:"jwks_uri"`
	Responses  []string `json:"response_types_supported"`
	Subjects   []string `json:"subject_types_supported"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func (d *Door) discoverWorkloads(w http.ResponseWriter, r *http.Request) error {
	if err := d.isTenant(r); err != nil {
		return err
	}
	issuer := d.Profile.WorkloadIssuer(d.Tenant)
	w.Header().Set("Cache-Control", keptAnHour)
	return httpkit.WriteJSON(w, http.StatusOK, workloadMetadata{
		Issuer: issuer, Keys: strings.TrimSuffix(issuer, "/") + workloadKeys,
		Responses: []string{"id_token"}, Subjects: []string{"public"}, Algorithms: []string{"RS256"},
	})
}

func (d *Door) workloadKeySet(w http.ResponseWriter, r *http.Request) error {
	if err := d.isTenant(r); err != nil {
		return err
	}
	return writeKeys(w, d.Issuer.KeySetOf(d.Profile.WorkloadIssuer(d.Tenant)))
}

// isTenant holds the tenant of the path against ours, as it stands in the issuer: by its id.
func (d *Door) isTenant(r *http.Request) error {
	if named := r.PathValue("tenant"); !strings.EqualFold(named, string(d.Tenant)) {
		return refuse(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", fault.Clip(named))
	}
	return nil
}
