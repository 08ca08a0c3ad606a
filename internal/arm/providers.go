package arm

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// wireProvider is a resource provider as /providers shows it: what the rows say, by namespace.
type wireProvider struct {
	ID            string     `json:"id"`
	Namespace     string     `json:"namespace"`
	State         string     `json:"registrationState,omitempty"`
	Policy        string     `json:"registrationPolicy"`
	ResourceTypes []wireType `json:"resourceTypes"`
}

type wireType struct {
	ResourceType string   `json:"resourceType"`
	Locations    []string `json:"locations"`
	APIVersions  []string `json:"apiVersions"`
	Capabilities string   `json:"capabilities"`
}

// registrationFree namespaces are every subscription's, always.
var registrationFree = []string{"microsoft.resources", "microsoft.authorization"}

// providersAt describes the namespaces that the rows make up, in their order by name; in a
// subscription with the state of its registration.
func (e *Engine) providersAt(scope cloud.ID) []wireProvider {
	byName := map[string]*wireProvider{}
	for _, row := range e.rows {
		if row.Absent {
			continue
		}
		space, _, _ := strings.Cut(row.Type, "/")
		p := byName[strings.ToLower(space)]
		if p == nil {
			p = &wireProvider{ID: strings.TrimSuffix(scope.String(), "/") + "/providers/" + space, Namespace: space, Policy: "RegistrationRequired"}
			if slices.Contains(registrationFree, strings.ToLower(space)) {
				p.Policy = "RegistrationFree"
			}
			if scope.Is(typeSubscription) {
				p.State, _ = e.registration(scope, space)
			}
			byName[strings.ToLower(space)] = p
		}
		p.ResourceTypes = append(p.ResourceTypes, row.describe())
	}
	all := make([]wireProvider, 0, len(byName))
	for _, p := range byName {
		slices.SortFunc(p.ResourceTypes, func(a, b wireType) int { return strings.Compare(a.ResourceType, b.ResourceType) })
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b wireProvider) int { return strings.Compare(a.Namespace, b.Namespace) })
	return all
}

// describe gives a type as its provider shows it.
func (row *Row) describe() wireType {
	_, short, _ := strings.Cut(row.Type, "/")
	t := wireType{ResourceType: short, Locations: []string{}, APIVersions: row.Versions, Capabilities: "None"}
	if row.Tracked {
		t.Capabilities = "SupportsTags, SupportsLocation"
		for _, r := range regions {
			t.Locations = append(t.Locations, r.display)
		}
	}
	return t
}

// providerAt describes one namespace, or says that there is none.
func (e *Engine) providerAt(scope cloud.ID, namespace string) (wireProvider, error) {
	for _, p := range e.providersAt(scope) {
		if strings.EqualFold(p.Namespace, namespace) {
			return p, nil
		}
	}
	return wireProvider{}, fault.New(fault.NotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", fault.Clip(namespace))
}

// providers lists the namespaces.
func (e *Engine) providers(w http.ResponseWriter, r *http.Request, c call) error {
	if err := e.maySeeProviders(r, c); err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": e.providersAt(c.id)})
}

// namespace shows one.
func (e *Engine) namespace(w http.ResponseWriter, r *http.Request, c call) error {
	if err := e.maySeeProviders(r, c); err != nil {
		return err
	}
	p, err := e.providerAt(c.id, c.word)
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, p)
}

// maySeeProviders holds the caller to the right of reading a subscription's providers. What a
// cloud offers is known to all who are known to it.
func (e *Engine) maySeeProviders(r *http.Request, c call) error {
	if c.id.Equal(cloud.Root) {
		return nil
	}
	if err := e.permit(r.Context(), c.caller, typeSubscription+"/providers/read", c.id); err != nil {
		return err
	}
	return e.exists(r.Context(), c.id)
}
