package rbac

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// The model is the rule written down a second time, slowly and in another way, for Decide to be
// held against. It shares nothing with the code but the words.

// expressions remembers what the model has compiled: with it a hundred thousand cases take seconds.
var expressions = map[string]*regexp.Regexp{}

func matches(pattern, action string) bool {
	pattern = strings.Trim(pattern, " ")
	re, ok := expressions[pattern]
	if !ok {
		variants := []string{}
		for todo := []string{regexp.MustCompile(`\*+`).ReplaceAllString(pattern, "*")}; len(todo) > 0; todo = todo[1:] {
			variants = append(variants, strings.ReplaceAll(regexp.QuoteMeta(todo[0]), `\*`, `.*`))
			for i := range todo[0] {
				if strings.HasPrefix(todo[0][i:], "/*/") {
					todo = append(todo, todo[0][:i]+todo[0][i+2:])
				}
			}
		}
		slices.Sort(variants)
		re = regexp.MustCompile(`(?is)^(?:` + strings.Join(slices.Compact(variants), "|") + `)$`)
		expressions[pattern] = re
	}
	return action != "" && re.MatchString(action)
}

func anyMatches(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, action) })
}

func permits(ps []cloud.Permission, action string, data, evenUnderCondition bool) bool {
	for _, p := range ps {
		yes, no := p.Actions, p.NotActions
		if data {
			yes, no = p.DataActions, p.NotDataActions
		}
		if anyMatches(yes, action) && !anyMatches(no, action) && (evenUnderCondition || p.Condition == "") {
			return true
		}
	}
	return false
}

// within compares segment by segment.
func within(outer, inner string) bool {
	if outer == "/" {
		return true
	}
	o, i := strings.Split(strings.ToLower(outer), "/"), strings.Split(strings.ToLower(inner), "/")
	return len(o) <= len(i) && slices.Equal(o, i[:len(o)])
}

func covers(scope string, r Request) bool {
	return within(scope, r.At.String()) ||
		slices.ContainsFunc(r.Above, func(a cloud.ID) bool { return within(scope, a.String()) })
}

func modelDenies(r Request, d cloud.Denial) bool {
	named := false
	for _, p := range d.Principals {
		named = named || p == r.Principal || p == cloud.AllPrincipals
	}
	for _, p := range d.Excluded {
		named = named && p != r.Principal
	}
	here := strings.EqualFold(d.Scope.String(), r.At.String())
	return named && (here || !d.OnlyHere) && covers(d.Scope.String(), r) && permits(d.Permissions, r.Action, r.Data, true)
}

// world is one random case.
type world struct {
	request     Request
	assignments []cloud.Assignment
	roles       []cloud.Role // by assignment
	denials     []cloud.Denial
}

func (w world) model() (allowed bool, by int) {
	denied := false
	for _, d := range w.denials {
		denied = denied || modelDenies(w.request, d)
	}
	for i, a := range w.assignments {
		if a.Principal == w.request.Principal && a.Condition == "" && covers(a.Scope.String(), w.request) &&
			permits(w.roles[i].Permissions, w.request.Action, w.request.Data, false) {
			by++
		}
	}
	return by > 0 && !denied, by
}

// The words that random worlds are made of: few and alike, so that they often meet or nearly meet.
var (
	words  = []string{"a", "b", "ab", "A", "read", "action"}
	scopes = []string{
		"/", "/subscriptions/s", "/subscriptions/s2", "/subscriptions/s/resourceGroups/rg", "/subscriptions/S/resourcegroups/RG",
		"/subscriptions/s/resourceGroups/rg-prod", "/subscriptions/s/resourceGroups/rg/providers/N.a/t/x",
		"/subscriptions/s/resourceGroups/rg/providers/N.a/t/xy", "/subscriptions/s/resourceGroups/rg/providers/N.a/t/x/u/y",
		"/providers/N.m/groups/g", "/providers/N.m/groups/g2",
	}
	persons = []cloud.PrincipalID{billing, stranger, cloud.AllPrincipals}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func action(r *rand.Rand, wildcards bool) string {
	n := 1 + r.IntN(4)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = pick(r, words)
		if wildcards && r.IntN(4) == 0 {
			parts[i] = pick(r, []string{"*", "a*", "*b", "**"})
		}
	}
	return strings.Join(parts, "/")
}

func patterns(r *rand.Rand, most int) []string {
	var list []string
	for range r.IntN(most + 1) {
		list = append(list, action(r, true))
	}
	return list
}

func permissions(r *rand.Rand) []cloud.Permission {
	var ps []cloud.Permission
	for range 1 + r.IntN(2) {
		p := cloud.Permission{Actions: patterns(r, 2), NotActions: patterns(r, 1), DataActions: patterns(r, 2), NotDataActions: patterns(r, 1)}
		if r.IntN(8) == 0 {
			p.Condition = "@Resource[x] = 1"
		}
		ps = append(ps, p)
	}
	return ps
}

func random(r *rand.Rand) world {
	w := world{request: Request{Principal: billing, Action: action(r, false), Data: r.IntN(2) == 0, At: cloud.MustID(pick(r, scopes))}}
	for range r.IntN(3) {
		w.request.Above = append(w.request.Above, cloud.MustID(pick(r, scopes[9:])))
	}
	for i := range r.IntN(4) {
		a := cloud.Assignment{Principal: pick(r, persons[:2]), Scope: cloud.MustID(pick(r, scopes))}
		if r.IntN(8) == 0 {
			a.Condition = "@Request[x] = 1"
		}
		w.assignments = append(w.assignments, a)
		w.roles = append(w.roles, cloud.Role{Name: fmt.Sprint("role ", i), Permissions: permissions(r)})
	}
	if r.IntN(3) == 0 {
		d := cloud.Denial{Permissions: permissions(r), Scope: cloud.MustID(pick(r, scopes)), OnlyHere: r.IntN(3) == 0}
		d.Principals = append(d.Principals, pick(r, persons))
		if r.IntN(3) == 0 {
			d.Excluded = append(d.Excluded, pick(r, persons))
		}
		w.denials = append(w.denials, d)
	}
	return w
}

// TestDecideAgreesWithTheModel is T18 and T28 for a hundred thousand random worlds.
func TestDecideAgreesWithTheModel(t *testing.T) {
	cases := 100_000
	if testing.Short() {
		cases = 10_000
	}
	r := rand.New(rand.NewPCG(4140, 2026))
	yes := 0
	for n := range cases {
		w := random(r)
		var grants []Grant
		for i, a := range w.assignments {
			grants = append(grants, Bind(a, w.roles[i]))
		}
		var denials []Denial
		for _, d := range w.denials {
			denials = append(denials, BindDenial(d))
		}
		want, by := w.model()
		quick, full := Decide(w.request, grants, denials), Explain(w.request, grants, denials)
		if quick.Allowed != want || full.Allowed != want || len(full.By) != by || want && len(quick.By) != 1 {
			t.Fatalf("case %d: decided %+v, explained %+v, the model says %v by %d\n%+v", n, quick, full, want, by, w)
		}
		if want {
			yes++
		}
	}
	if yes < cases/100 {
		t.Errorf("only %d of %d worlds allowed anything: they prove little", yes, cases)
	}
}
