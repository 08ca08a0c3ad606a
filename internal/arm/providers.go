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
	State         string     `json:"registrationState"`
	Policy        string     `json:"registrationPolicy"`
	ResourceTypes []wireType `json:"resourceTypes"`
}

type wireType struct {
	ResourceType string   `json:"resourceType"`
	Locations    []string `json:"locations"`
	APIVersions  []string `json:"apiVersions"`
}

// providersAt describes the namespaces that the rows make up, in their order by name. All are
// registered, always.
func (e *Engine) providersAt(scope cloud.ID) []wireProvider {
	byName := map[string]*wireProvider{}
	for _, row := range e.rows {
		if row.Absent {
			continue
		}
		space, short, _ := strings.Cut(row.Type, "/")
		p := byName[strings.ToLower(space)]
		if p == nil {
			p = &wireProvider{ID: strings.TrimSuffix(scope.String(), "/") + "/providers/" + space, Namespace: space,
				State: "Registered", Policy: "RegistrationRequired"}
			byName[strings.ToLower(space)] = p
		}
		p.ResourceTypes = append(p.ResourceTypes, wireType{ResourceType: short, Locations: []string{}, APIVersions: row.Versions})
	}
	all := make([]wireProvider, 0, len(byName))
	for _, p := range byName {
		slices.SortFunc(p.ResourceTypes, func(a, b wireType) int { return strings.Compare(a.ResourceType, b.ResourceType) })
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b wireProvider) int { return strings.Compare(a.Namespace, b.Namespace) })
	return all
}

// providers lists the namespaces.
func (e *Engine) providers(w http.ResponseWriter, r *http.Request, c call) error {
	if err := e.maySeeProviders(r, c, "read"); err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": e.providersAt(c.id)})
}

// namespace shows one; registering it changes nothing, as all are registered.
func (e *Engine) namespace(w http.ResponseWriter, r *http.Request, c call) error {
	operation := "read"
	if c.meaning == register {
		operation = "register/action"
	}
	if err := e.maySeeProviders(r, c, operation); err != nil {
		return err
	}
	for _, p := range e.providersAt(c.id) {
		if strings.EqualFold(p.Namespace, c.word) {
			return httpkit.WriteJSON(w, http.StatusOK, p)
		}
	}
	return fault.New(fault.NotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", clip(c.word))
}

func (e *Engine) maySeeProviders(r *http.Request, c call, operation string) error {
	if c.id.Equal(cloud.Root) && c.meaning != register {
		return nil // what a cloud offers is known to all who are known to it
	}
	needs := "Microsoft.Resources/subscriptions/providers/" + operation
	if c.meaning == register {
		needs = c.word + "/" + operation
	}
	if err := e.permit(r.Context(), c.caller, needs, c.id); err != nil {
		return err
	}
	return e.exists(r.Context(), c.id)
}
