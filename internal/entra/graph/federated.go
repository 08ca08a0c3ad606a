package graph

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
)

// federated is a federated credential of an application as an entity (Microsoft Graph v1.0,
// "federatedIdentityCredential").
type federated struct{ cloud.FederatedCredential }

func (f federated) id() string { return f.ID }

func (f federated) values(property string) []string {
	switch property {
	case "id":
		return []string{f.ID}
	case "name":
		return []string{f.Name}
	case "issuer":
		return []string{f.Issuer}
	case "subject":
		return []string{f.Subject}
	}
	return nil
}

func (f federated) shape() map[string]any {
	return map[string]any{"id": f.ID, "name": f.Name, "issuer": f.Issuer, "subject": f.Subject,
		"audiences": []string{f.Audience}, "description": orNull(f.Description)}
}

// federatedOf is the noun for those of one application.
func federatedOf(a *directory.Application) noun {
	return noun{set: "applications('" + a.ID + "')/federatedIdentityCredentials", kind: "federatedIdentityCredential",
		forms: map[string]form{"id": text, "name": text, "issuer": text, "subject": text}}
}

// keyedFederated finds the key of a credential in parentheses: federatedidentitycredentials(name='x').
var keyedFederated = regexp.MustCompile(`^(/v1\.0/applications/[^/]+/federatedidentitycredentials)\(([^/()]+)\)$`)

// newFederated is a federated credential as clients send it; what is nil is not said.
type newFederated struct {
	Type        string    `json:"@odata.type"`
	ID          *string   `json:"id"`
	Name        *string   `json:"name"`
	Issuer      *string   `json:"issuer"`
	Subject     *string   `json:"subject"`
	Audiences   *[]string `json:"audiences"`
	Description *string   `json:"description"`
	Expression  any       `json:"claimsMatchingExpression"`
}

// lay gives the credential c with what was said of it laid over, and holds it against the rules and those
// beside it.
func (n newFederated) lay(c cloud.FederatedCredential, beside []cloud.FederatedCredential) (cloud.FederatedCredential, error) {
	audiences := []string{c.Audience}
	if c.Audience == "" {
		audiences = nil
	}
	if n.Audiences != nil {
		audiences = *n.Audiences
	}
	for from, to := range map[*string]*string{n.Issuer: &c.Issuer, n.Subject: &c.Subject, n.Description: &c.Description} {
		if from != nil {
			*to = *from
		}
	}
	if n.Expression != nil {
		return c, fault.New(fault.NotOffered, "NotOffered", "Lanyard does not offer claimsMatchingExpression: a federated identity credential names one subject.")
	}
	if sentence := directory.FederatedFault(c, audiences); sentence != "" {
		return c, badRequest("%s", sentence)
	}
	c.Audience = audiences[0]
	if directory.FederatedClash(c, beside) {
		return c, badRequest("Issuer and subject combination already exists for this Application.")
	}
	return c, nil
}

// seeFederated gives the application of a request, whose credentials the caller may see.
func (d *Door) seeFederated(c *call) (*directory.Application, error) {
	a, ok := d.findApplication(c.r.PathValue("id"))
	if err := d.mayReadOne(c, a, nil); err != nil {
		return nil, err
	}
	if !ok {
		return nil, missing(c.r.PathValue("id"))
	}
	return a, nil
}

func (d *Door) listFederated(w http.ResponseWriter, c *call) error {
	a, err := d.seeFederated(c)
	if err != nil {
		return err
	}
	var all []entity
	for _, f := range a.Federated {
		all = append(all, federated{f})
	}
	return d.page(w, c, federatedOf(a), all)
}

// findFederated gives the place of a credential by a key of a path: its id, or its name, either alone
// or as name='...'. Paths come in lower case.
func findFederated(all []cloud.FederatedCredential, key string) (int, error) {
	key = strings.Trim(strings.TrimPrefix(key, "name="), "'")
	n := slices.IndexFunc(all, func(f cloud.FederatedCredential) bool { return f.ID == key || strings.EqualFold(f.Name, key) })
	if n < 0 {
		return n, missing(key)
	}
	return n, nil
}

func (d *Door) showFederated(w http.ResponseWriter, c *call) error {
	a, err := d.seeFederated(c)
	if err != nil {
		return err
	}
	n, err := findFederated(a.Federated, c.r.PathValue("credential"))
	if err != nil {
		return err
	}
	if err := c.query.onlySelects(); err != nil {
		return err
	}
	shape, err := d.shapeFederated(c, a, a.Federated[n])
	if err != nil {
		return err
	}
	return c.say(w, http.StatusOK, shape)
}

// shapeFederated gives what is shown of one credential of an application.
func (d *Door) shapeFederated(c *call, a *directory.Application, f cloud.FederatedCredential) (map[string]any, error) {
	of := federatedOf(a)
	shape, err := c.query.choose(of, federated{f}.shape())
	if err == nil {
		shape["@odata.context"] = c.context(d, of.set+"/$entity")
	}
	return shape, err
}

func (d *Door) addFederated(w http.ResponseWriter, c *call) error {
	var asked newFederated
	var made cloud.FederatedCredential
	var of *directory.Application
	err := d.change(c, func(r *record) (err error) {
		of = r.application
		made = cloud.FederatedCredential{}
		if asked.Name != nil {
			made.Name = *asked.Name
		}
		if sentence := directory.FederatedNameFault(made.Name); sentence != "" {
			return badRequest("%s", sentence)
		}
		if _, err := findFederated(of.Federated, made.Name); err == nil {
			return fault.New(fault.Conflict, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential with name %s already exists.", made.Name)
		}
		if made, err = asked.lay(made, of.Federated); err != nil {
			return err
		}
		if have := len(of.Federated); directory.FederatedFull(have, d.FederatedLimit) {
			return badRequest("The application '%s' has %d federated identity credentials, and may have no more.", of.ID, have).
				Try("lanyard up --federated-credentials-limit %d", 2*have)
		}
		made.ID, err = cloud.NewID(rand.Reader)
		of.Federated = append(of.Federated, made)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	shape, err := d.shapeFederated(c, of, made)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusCreated, shape)
}

func (d *Door) updateFederated(w http.ResponseWriter, c *call) error {
	var asked newFederated
	err := d.change(c, func(r *record) error {
		all := r.application.Federated
		n, err := findFederated(all, c.r.PathValue("credential"))
		if err != nil {
			return err
		}
		if asked.Name != nil && *asked.Name != all[n].Name || asked.ID != nil && *asked.ID != all[n].ID {
			return badRequest("Property 'name' of a federated identity credential cannot be changed.")
		}
		all[n], err = asked.lay(all[n], all)
		return err
	}, &asked)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}

func (d *Door) removeFederated(w http.ResponseWriter, c *call) error {
	err := d.change(c, func(r *record) error {
		n, err := findFederated(r.application.Federated, c.r.PathValue("credential"))
		if err != nil {
			return err
		}
		r.application.Federated = slices.Delete(r.application.Federated, n, n+1)
		return nil
	}, nil)
	if err != nil {
		return err
	}
	return c.say(w, http.StatusNoContent, nil)
}
