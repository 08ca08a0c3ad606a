// Package drill knows the faults that can be switched on by name, for practice and tests.
//
// It must not know who consults it, where it is kept which drills are on, or how any fault is brought about.
package drill

// LateIdentity is the drill of an identity that came later than the revision (ID-9).
const LateIdentity = "late-identity"

// Drill is a fault that can be switched on. Each text is one sentence for people.
type Drill struct {
	Name   string
	Breaks string
	Seen   string // by who uses Azure, when it happens there
	Cure   string
}

// All gives every drill there is.
func All() []Drill {
	return []Drill{{
		Name:   LateIdentity,
		Breaks: "The replicas of a revision wear only those identities that the app had when the revision was made.",
		Seen:   "The app shows the identity and its grants are right, yet its token endpoint answers 400 as if there were none.",
		Cure:   "Make a new revision of the app: lanyard containerapp update --revision-suffix; a command under lanyard run is then run again.",
	}}
}

// Find gives the drill of a name.
func Find(name string) (Drill, bool) {
	for _, d := range All() {
		if d.Name == name {
			return d, true
		}
	}
	return Drill{}, false
}
