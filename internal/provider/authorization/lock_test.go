package authorization_test

import (
	"slices"
	"strings"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/providertest"
)

const (
	locks = "/providers/Microsoft.Authorization/locks/"
	lv    = "?api-version=2016-09-01"
	cart  = providertest.Group + "/providers/Toy.Shop/carts/c"
)

func TestLocksLieAtEveryScopeButTheRoot(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+cart, `{"location":"westeurope"}`)
	for _, scope := range []string{providertest.Subscription, providertest.Group, cart} {
		a := w.Want(201, "", "PUT "+scope+locks+"keep"+lv, `{"properties":{"level":"CANNOTDELETE","notes":"why","owners":[{"applicationId":"ops"}]}}`)
		if a.Property("properties.level") != "CanNotDelete" || a.Property("properties.notes") != "why" || a.Property("id") != scope+locks+"keep" {
			t.Errorf("the lock at %s is shown as %s", scope, a.Text)
		}
		b := w.Want(200, "", "PUT "+scope+locks+"keep"+lv, `{"properties":{"level":"ReadOnly"}}`)
		if b.Property("properties.notes") != nil || b.Property("properties.level") != "ReadOnly" {
			t.Errorf("after a second PUT it is %s", b.Text)
		}
		d, ok := w.Engine.Document(cloud.MustID(scope + locks + "keep"))
		if !ok || !strings.Contains(string(d.Properties), `"level":"ReadOnly"`) {
			t.Errorf("what is stored at %s does not say its level", scope)
		}
		w.Want(200, "", "DELETE "+scope+locks+"keep"+lv, "")
		w.Want(204, "", "DELETE "+scope+locks+"keep"+lv, "")
		w.Want(404, "LockNotFound", "GET "+scope+locks+"keep"+lv, "")
	}
	w.Want(400, "InvalidLockScope", "PUT "+locks+"keep"+lv, `{"properties":{"level":"ReadOnly"}}`)
}

func TestLocksAreListedAboveAndBelow(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+cart, `{"location":"westeurope"}`)
	for name, scope := range map[string]string{"a": providertest.Subscription, "b": providertest.Group, "c": cart, "d": providertest.Other} {
		w.Want(201, "", "PUT "+scope+locks+name+lv, `{"properties":{"level":"NotSpecified"}}`)
	}
	for line, want := range map[string]string{
		providertest.Subscription + "|":          "abcd",
		providertest.Subscription + "|atScope()": "a",
		providertest.Group + "|":                 "abc",
		providertest.Group + "|atScope()":        "ab",
		cart + "|":                               "abc",
	} {
		scope, filter, _ := strings.Cut(line, "|")
		var got []string
		for _, each := range w.Want(200, "", "GET "+scope+strings.TrimSuffix(locks, "/")+lv+"&$filter="+filter, "").Values() {
			got = append(got, each["name"].(string))
		}
		slices.Sort(got)
		if strings.Join(got, "") != want {
			t.Errorf("%s lists %v, want %s", line, got, want)
		}
	}
	w.Want(400, "InvalidFilter", "GET "+providertest.Group+strings.TrimSuffix(locks, "/")+lv+"&$filter=level+eq+%27ReadOnly%27", "")
}

func TestLocksThatAreNoLocks(t *testing.T) {
	w := begin(t)
	for claim, c := range map[string]struct {
		status     int
		code, body string
	}{
		"without properties":       {400, "InvalidLockLevel", `{}`},
		"without a level":          {400, "InvalidLockLevel", `{"properties":{"notes":"x"}}`},
		"with a level that is no":  {400, "InvalidLockLevel", `{"properties":{"level":"Frozen"}}`},
		"with notes that are long": {400, "InvalidRequestContent", `{"properties":{"level":"ReadOnly","notes":"` + strings.Repeat("x", 513) + `"}}`},
		"with nobody as owner":     {400, "InvalidRequestContent", `{"properties":{"level":"ReadOnly","owners":[{}]}}`},
		"with a level of a number": {400, "InvalidRequestContent", `{"properties":{"level":1}}`},
		"with what nobody knows":   {501, "NotOffered", `{"properties":{"level":"ReadOnly","until":"June"}}`},
		"flat, of long ago":        {201, "", `{"level":"ReadOnly"}`},
	} {
		t.Run(claim, func(t *testing.T) {
			w.Want(c.status, c.code, "PUT "+providertest.Group+locks+"keep"+lv, c.body)
		})
	}
	for _, name := range []string{"a&b", "a:b", "a<b", strings.Repeat("a", 261)} {
		w.Want(400, "InvalidLockName", "PUT "+providertest.Group+locks+strings.ReplaceAll(name, "<", "%3C")+lv, `{"properties":{"level":"ReadOnly"}}`)
	}
}

// What Azure has and this world has not is refused by its name, whatever is asked of it.
func TestAbsentTypesAreRefusedByName(t *testing.T) {
	w := begin(t)
	absent := 0
	for _, row := range authorization.Rows(authorization.Deps{}) {
		if !row.Absent {
			continue
		}
		absent++
		for _, line := range []string{"GET " + providertest.Group + "/providers/" + row.Type, "PUT " + providertest.Group + "/providers/" + row.Type + "/" + one,
			"GET /providers/" + row.Type, "POST /providers/" + row.Type} {
			if a := w.Want(501, "NotOffered", line, `{}`); !strings.Contains(a.Text, row.Type) {
				t.Errorf("%s answered %s", line, a.Text)
			}
		}
	}
	if absent == 0 {
		t.Error("nothing is absent")
	}
}

// The api-versions in use by SDKs, az, Terraform and the API descriptions.
func TestKnownVersions(t *testing.T) {
	rows := map[string]arm.Row{}
	for _, row := range authorization.Rows(authorization.Deps{}) {
		rows[row.Type] = row
	}
	for name, versions := range map[string][]string{
		authorization.Assignments: {"2014-10-01-preview", "2015-07-01", "2018-01-01-preview", "2018-09-01-preview", "2020-04-01-preview",
			"2020-08-01-preview", "2020-10-01-preview", "2022-04-01"},
		authorization.Definitions: {"2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview"},
		authorization.Denials:     {"2018-07-01-preview", "2022-04-01", "2024-07-01-preview"},
		authorization.Permissions: {"2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview"},
		authorization.Locks:       {"2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"},
	} {
		for _, version := range versions {
			if !slices.Contains(rows[name].Versions, version) {
				t.Errorf("%s does not know %s", name, version)
			}
		}
		if !slices.IsSortedFunc(rows[name].Versions, func(a, b string) int { return strings.Compare(b[:10], a[:10]) }) {
			t.Errorf("the versions of %s are not newest first", name)
		}
	}
}

// A lock holds grants too: ReadOnly stops new ones, CanNotDelete keeps those that are there.
func TestALockHoldsGrants(t *testing.T) {
	w := begin(t)
	p := string(w.Enroll("shop").ID)
	w.Want(201, "", "PUT "+providertest.Group+assignments+one, grant(reader, p, ""))
	lock := "PUT " + providertest.Group + locks + "keep" + lv
	w.Want(201, "", lock, `{"properties":{"level":"CanNotDelete"}}`)
	w.Want(201, "", "PUT "+providertest.Group+assignments+two, grant(contributor, p, ""))
	w.Want(409, "ScopeLocked", "DELETE "+providertest.Group+assignments+one, "")
	w.Want(200, "", lock, `{"properties":{"level":"ReadOnly"}}`)
	w.Want(409, "ScopeLocked", "PUT "+providertest.Group+definitions+mine, role("Shop Reader", atGroup))
	w.Want(200, "", lock, `{"properties":{"level":"NotSpecified"}}`)
	w.Want(200, "", "DELETE "+providertest.Group+assignments+one, "")
}

// A custom role is the tenant's: locks where it can be assigned hold it whichever path it is asked by.
func TestALockHoldsARoleByWhicheverPath(t *testing.T) {
	const other = `"` + providertest.Other + `"`
	for _, locked := range []string{providertest.Group, providertest.Subscription} {
		for level, deletes := range map[string]bool{"ReadOnly": false, "CanNotDelete": false, "NotSpecified": true} {
			w := begin(t)
			w.Want(201, "", "PUT "+definitions+mine, role("Mine", atGroup+","+other))
			w.Want(201, "", "PUT "+locked+locks+"keep"+lv, `{"properties":{"level":"`+level+`"}}`)
			for _, scope := range []string{"", providertest.Subscription, providertest.Group, providertest.Other} {
				if level != "ReadOnly" {
					w.Want(201, "", "PUT "+scope+definitions+mine, role("Mine", atGroup+","+other))
				} else if a := w.Want(409, "ScopeLocked", "PUT "+scope+definitions+mine, role("Mine", other)); !strings.Contains(a.Text, "locked: '"+locked+"'") {
					t.Error(a.Text)
				}
				if !deletes {
					w.Want(409, "ScopeLocked", "DELETE "+scope+definitions+mine, "")
				}
			}
			w.Want(200, "", "GET "+providertest.Other+definitions+mine, "")
			if deletes {
				w.Want(200, "", "DELETE "+definitions+mine, "")
				continue
			}
			w.Want(200, "", "DELETE "+locked+locks+"keep"+lv, "")
			w.Want(201, "", "PUT "+definitions+mine, role("Mine", other))
			w.Want(201, "", "PUT "+providertest.Group+locks+"keep"+lv, `{"properties":{"level":"ReadOnly"}}`)
			w.Want(201, "", "PUT "+definitions+mine, role("Mine", other)) // which no longer reaches there
		}
	}
}
