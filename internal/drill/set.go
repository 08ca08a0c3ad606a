package drill

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// maxOn bounds for how many apps drills are on one by one.
const maxOn = 256

// On is a drill that is on.
type On struct {
	Name string   `json:"name"`
	App  cloud.ID `json:"app,omitzero"` // zero means every app
}

// Set is which drills are on, and for which apps. It is not changed in place: what changes it gives another.
type Set []On

// Parse reads a set as JSON spells it. It refuses drills that there are not.
func Parse(text []byte) (Set, error) {
	var s Set
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read drills: %w", err)
	}
	for _, on := range s {
		if _, ok := Find(on.Name); !ok {
			return nil, fmt.Errorf("read drills: there is no drill %.40q", on.Name)
		}
	}
	return s, nil
}

// String says for people which drills are on, and where.
func (s Set) String() string {
	said := make([]string, len(s))
	for i, on := range s {
		said[i] = on.String()
	}
	return strings.Join(said, ", ")
}

// String says for people which drill is on, and where.
func (o On) String() string {
	if o.App.IsZero() {
		return o.Name + " for every app"
	}
	return o.Name + " for " + o.App.Name() + " in " + o.App.Group()
}

// Covers reports whether a drill is on for an app.
func (s Set) Covers(name string, app cloud.ID) bool {
	return slices.ContainsFunc(s, func(on On) bool { return on.Name == name && (on.App.IsZero() || on.App.Equal(app)) })
}

// Start gives the set with a drill on for an app, or for every app when that is zero.
func (s Set) Start(name string, app cloud.ID) (Set, error) {
	if err := known(name); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s, same(name, app)) {
		return s, nil
	}
	if len(s) >= maxOn {
		return nil, fault.New(fault.Conflict, "TooManyDrills", "Drills are on for %d apps, and for no more one by one.", maxOn).Try("lanyard drill start %s", name)
	}
	return append(slices.Clone(s), On{name, app}), nil
}

// Stop gives the set with a drill off for the app that it was started for; a zero app means every one, one
// by one or all together.
func (s Set) Stop(name string, app cloud.ID) (Set, error) {
	if err := known(name); err != nil {
		return nil, err
	}
	gone := same(name, app)
	if app.IsZero() {
		gone = func(on On) bool { return on.Name == name }
	}
	left := slices.DeleteFunc(slices.Clone(s), gone)
	switch {
	case len(left) < len(s) && (app.IsZero() || !left.Covers(name, app)):
		return left, nil
	case app.IsZero():
		return nil, fault.New(fault.Conflict, "DrillIsOff", "The drill %s is not on.", name).Try("lanyard drill list")
	case left.Covers(name, app):
		return nil, fault.New(fault.Conflict, "DrillIsOnForAll", "The drill %s is on for every app, and cannot be stopped for %s alone.", name, app.Name()).
			Try("lanyard drill stop %s", name)
	}
	return nil, fault.New(fault.Conflict, "DrillIsOff", "The drill %s is not on for %s.", name, app).Try("lanyard drill list")
}

func same(name string, app cloud.ID) func(On) bool {
	return func(on On) bool { return on.Name == name && on.App.Equal(app) }
}

func known(name string) error {
	if _, ok := Find(name); !ok {
		return fault.New(fault.NotFound, "DrillNotFound", "There is no drill %q.", fault.Clip(name)).Try("lanyard drill list")
	}
	return nil
}
