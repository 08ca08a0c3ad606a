package laws

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors reads the floor plan of ARCHITECTURE.md: package word to floor.
func floors(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile(root + "/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "```floors\n")
	block, _, ok2 := strings.Cut(after, "```")
	if !ok || !ok2 {
		t.Fatal("ARCHITECTURE.md has no block of floors")
	}
	plan := map[string]int{}
	for line := range strings.Lines(block) {
		fields := strings.Fields(line)
		n, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatalf("floor plan line %q does not start with a number", line)
		}
		for _, word := range fields[2:] {
			plan[word] = n
		}
	}
	return plan
}

// room gives the word of the floor plan that a folder belongs to.
func room(dir string) string {
	dir = strings.TrimPrefix(dir, "internal/")
	if strings.HasPrefix(dir, "cmd/") {
		return "cmd/lanyard"
	}
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// outside are folders that stand beside the house: they use it as any program would.
var outside = regexp.MustCompile(`^(examples|test)/`)

func TestImportsGoDown(t *testing.T) {
	plan := floors(t)
	seen := map[string]bool{}
	for _, s := range read(t).files {
		if outside.MatchString(s.path) {
			continue
		}
		here := room(s.dir())
		floor, known := plan[here]
		if !known {
			t.Errorf("%s: the floor plan has no room %q", s.path, here)
			continue
		}
		seen[here] = true
		own, _ := s.imports()
		for _, to := range own {
			isParent := strings.HasPrefix(s.dir(), to+"/")
			ownChild := s.isTest() && strings.HasPrefix(to, s.dir()+"/")
			switch {
			case isParent || ownChild || to == s.dir():
			case s.isTest() && floor > plan[room(to)]:
			case s.isTest() && room(to) == here:
			case plan[room(to)] >= floor:
				t.Errorf("%s on floor %d imports %s on floor %d", s.path, floor, to, plan[room(to)])
			}
		}
	}
	for _, drivers := range []string{"internal/store/etcd", "internal/host/process"} {
		for _, s := range read(t).files {
			own, _ := s.imports()
			if slices.Contains(own, drivers) && !s.isTest() && room(s.dir()) != "platform" {
				t.Errorf("%s imports the driver %s, which only platform may", s.path, drivers)
			}
		}
	}
	for _, must := range []string{"cloud", "rbac", "store", "arm", "msi", "platform", "cmd/lanyard"} {
		if !seen[must] {
			t.Errorf("no code was found in room %q", must)
		}
	}
}

func TestPureFloorsTouchNothingOutside(t *testing.T) {
	plan := floors(t)
	for _, s := range read(t).files {
		floor, known := plan[room(s.dir())]
		if s.isTest() || !known || floor > 1 || s.file.Name.Name == "main" || outside.MatchString(s.path) {
			continue
		}
		_, others := s.imports()
		for _, forbidden := range []string{"os", "net", "net/http"} {
			if slices.Contains(others, forbidden) {
				t.Errorf("%s on floor %d imports %s", s.path, floor, forbidden)
			}
		}
		if callsTimeNow(s.file) {
			t.Errorf("%s on floor %d calls time.Now", s.path, floor)
		}
	}
}

func TestFanOut(t *testing.T) {
	for dir, files := range read(t).packages() {
		var all []string
		for _, s := range files {
			own, _ := s.imports()
			all = append(all, own...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
		if len(all) > 8 && dir != "internal/platform" {
			t.Errorf("%s imports %d of our packages, more than 8: %s", dir, len(all), strings.Join(all, " "))
		}
	}
}
