package specs

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// leastPassed is how many examples have to pass: it may only rise.
const leastPassed = 161

// types are those whose examples are tried, with whatever lies in them: those of the namespaces that
// this world has, and groups.
var types = regexp.MustCompile(`(?i)/providers/Microsoft\.(ManagedIdentity|Authorization|KeyVault|App|Resources)(/|$)|/resourcegroups/\{resourceGroupName\}(/exportTemplate)?$`)

// unmade are types of which no request makes anything: their examples find nothing here.
var unmade = regexp.MustCompile(`(?i)/providers/Microsoft\.(Authorization/(denyAssignments|permissions)|ManagedIdentity/identities)(/|$)`)

func TestExamplesOfTheAPIDescriptions(t *testing.T) {
	root, l := descriptions(t), library{}
	all, missing, err := l.examples(root, func(file, path string) bool {
		return strings.Contains(file, "/resource-manager/Microsoft.") && types.MatchString(path) && !unmade.MatchString(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	count, failed := map[string]int{}, 0
	tried, good := map[string]int{}, map[string]int{}
	var refused []string
	for _, x := range all {
		t.Run(x.String()+"/"+x.method, func(t *testing.T) {
			failed++
			reason := try(t, l, x)
			if t.Failed() {
				return
			}
			failed--
			tried[typeOf(x.path)]++
			if reason != "" {
				refused = append(refused, reason+": "+x.String())
			} else {
				good[typeOf(x.path)]++
			}
			count[reason]++
		})
	}
	passed := count[""]
	delete(count, "")
	slices.Sort(refused)
	if testing.Verbose() {
		t.Log("refused:\n" + strings.Join(refused, "\n"))
	}
	t.Logf("%d examples tried, %d passed, %d refused, %d failed; the files of %d more are missing", len(all), passed, len(refused), failed, missing)
	for _, reason := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[reason], reason)
	}
	for _, name := range slices.Sorted(maps.Keys(good)) {
		t.Logf("%s: %d tried, %d passed", name, tried[name], good[name])
	}
	if passed < leastPassed {
		t.Errorf("%d examples passed, and %d did once", passed, leastPassed)
	}
}

var named = regexp.MustCompile(`(?i)/providers/(Microsoft\.\w+/\w+)`)

// typeOf gives the type that a described path is about, without what lies in it.
func typeOf(path string) string {
	if all := named.FindAllStringSubmatch(path, -1); len(all) > 0 {
		return all[len(all)-1][1]
	}
	return "Microsoft.Resources/resourceGroups"
}

// try sends an example in a world of its own and gives "" when the answer is as described, else
// the reason for which it was refused.
func try(t *testing.T, l library, x example) string {
	w := begin(t)
	r := w.fit(l, x)
	a := w.send(r.method, r.target, r.body)
	check(t, l, x, a)
	if a.status >= http.StatusBadRequest {
		return reasonFor(t, a)
	}
	if body, _ := a.body.(map[string]any); r.method == http.MethodGet {
		if list, ok := body["value"].([]any); ok && len(list) == 0 {
			t.Error("a list that holds nothing proves nothing")
		}
	}
	if _, described := x.operation.at("responses").object()["200"]; described && r.method == http.MethodPut {
		check(t, l, x, w.send(r.method, r.target, r.body)) // the same again, now that it is there
	}
	return ""
}

// check holds an answer against what the operation describes: status and body.
func check(t *testing.T, l library, x example, a answer) {
	t.Helper()
	described := x.operation.at("responses")
	key := strconv.Itoa(a.status)
	if _, ok := described.object()[key]; !ok {
		if a.status < http.StatusBadRequest {
			t.Errorf("answered %d, described are %v: %s", a.status, slices.Sorted(maps.Keys(described.object())), a.text)
			return
		}
		key = "default"
	}
	response, err := l.follow(described.at(key))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := response.object()["schema"]; !ok {
		return
	}
	if a.body == nil {
		t.Errorf("answered %d without the body that is described", a.status)
		return
	}
	c := &checker{library: l}
	c.check("", response.at("schema"), a.body)
	for _, wrong := range c.wrong {
		t.Errorf("answered %d: %s", a.status, wrong)
	}
	if t.Failed() {
		t.Log(a.text)
	}
}

// reasonFor gives the reason for a refusal, and fails where there is none that is honest.
func reasonFor(t *testing.T, a answer) string {
	t.Helper()
	said, found := strings.CutPrefix(a.message(), "Resources of type '")
	switch refused := a.status == http.StatusNotImplemented && a.code() == "NotOffered"; {
	case refused && found && strings.HasSuffix(said, "' are not offered in this world."):
		return "a type or operation that is not offered"
	case refused && strings.Contains(a.message(), "'"):
		return "a property or feature that is not offered"
	}
	t.Errorf("answered %d: %s", a.status, a.text)
	return ""
}
