package authorization_test

import (
	"encoding/json"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
)

// nothing is a directory and a store in which there is only what a body can say.
type nothing struct{}

func (nothing) Holder(id cloud.PrincipalID) (cloud.Principal, bool) {
	return cloud.Principal{ID: id, Kind: cloud.Application}, id != stranger
}
func (nothing) WithinGroups(cloud.PrincipalID) []cloud.PrincipalID { return nil }
func (nothing) Granted(cloud.PrincipalID) []cloud.Assignment       { return nil }
func (nothing) Role(guid string) (cloud.Role, bool) {
	return cloud.Role{ID: cloud.MustID(definitions + guid), Name: "Some", Custom: guid == mine, Assignable: []cloud.ID{cloud.MustID(providertest.Group)}}, guid != stranger
}
func (nothing) Roles() []cloud.Role                               { return nil }
func (nothing) Document(cloud.ID) (*arm.Document, bool)           { return &arm.Document{}, true }
func (nothing) Documents(cloud.ID, string) (none []*arm.Document) { return none }
func (nothing) At(cloud.ID, string) (none []*arm.Document)        { return none }
func (nothing) Count(cloud.ID, string) int                        { return 0 }

// FuzzBodiesAreTakenOrRefused puts any JSON into roles, assignments and locks: each is refused with
// a reason, or taken and can be read again.
func FuzzBodiesAreTakenOrRefused(f *testing.F) {
	for _, seed := range []string{grant(reader, one, ""), grant(mine, stranger, `,"principalType":"User"`), role("x", atGroup), role("x", `"/"`),
		`{"properties":{"level":"ReadOnly","owners":[{"applicationId":"x"}]}}`, `{"properties":null}`, `{"properties":[]}`, `{"level":"ReadOnly"}`,
		`{"properties":{"permissions":[null],"roleName":"x","assignableScopes":[""]}}`, `{"properties":{"permissions":[{"actions":["*","a/*/read"]}]}}`} {
		f.Add(seed)
	}
	rows := authorization.Rows(authorization.Deps{Directory: nothing{}, Resources: nothing{}})
	f.Fuzz(func(t *testing.T, body string) {
		var sent struct {
			Properties json.RawMessage            `json:"properties"`
			Rest       map[string]json.RawMessage `json:"rest"`
		}
		if json.Unmarshal([]byte(body), &sent) != nil {
			return
		}
		for _, row := range rows {
			if row.Behaviour == nil {
				continue
			}
			id, err := cloud.MustID(providertest.Group).In(row.Type, one)
			if err != nil {
				t.Fatal(err)
			}
			c := &arm.Change{ID: id, Caller: providertest.Caller, After: &arm.Document{ID: id, Name: one, Type: row.Type, Properties: sent.Properties, Rest: sent.Rest}}
			err = row.Behaviour.Shape(t.Context(), c)
			switch {
			case err != nil && fault.Of(err).Kind == fault.Internal:
				t.Errorf("%s: %q: %v", row.Type, body, err)
			case err == nil:
				if err := row.Behaviour.Show(t.Context(), c.After); err != nil {
					t.Errorf("%s: %q is taken and cannot be shown: %v", row.Type, body, err)
				}
			}
		}
	})
}
