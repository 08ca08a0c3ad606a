package cloud

import (
	"math"
	"time"
)

// Advance is one movement of a world's clock: what existed At is older by By from then on.
type Advance struct {
	At time.Time     `json:"at"`
	By time.Duration `json:"by"` // nanoseconds
}

// Clock is how a world's clock was moved, earliest first. The zero Clock never was. Moving it adds to
// the age of what exists and shifts no timestamp: times on the wire are always real.
type Clock []Advance

// Age says how old something is at now that came to be at born. What came to be after an advance is
// not aged by it. What is older than a Duration can say is as old as one can.
func (c Clock) Age(born, now time.Time) time.Duration {
	age := now.Sub(born)
	for _, a := range c {
		if a.By > 0 && !a.At.Before(born) && !a.At.After(now) { // nothing grows younger
			if age > math.MaxInt64-a.By {
				return math.MaxInt64
			}
			age += a.By
		}
	}
	return age
}

// Timing says what a world does as late as Azure does.
type Timing struct {
	// TokenCache is for how long the identity endpoint gives the same token for one identity and
	// resource (wire-facts: "Container Apps specifics"): 24 hours, at most.
	TokenCache time.Duration `json:"tokenCache"`
	// Outlive lets tokens of an identity that was detached or deleted live to their end, as Azure does.
	// Otherwise they are refused at once.
	Outlive bool `json:"outlive"`
	// RolePropagation is for how long a change of roles, granted or taken away, has no effect.
	RolePropagation time.Duration `json:"rolePropagation,omitempty"`
}

// Instant and AsAzure are the timings that have names.
var (
	Instant = Timing{TokenCache: 24 * time.Hour}
	AsAzure = Timing{TokenCache: 24 * time.Hour, Outlive: true, RolePropagation: 5 * time.Minute}
)
