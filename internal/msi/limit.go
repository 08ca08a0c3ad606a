package msi

import (
	"cmp"
	"sync"

	"golang.org/x/time/rate"

	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// What Azure lets a machine ask of IMDS for tokens (wire-facts: "IMDS").
const (
	IMDSRate   = 20 // requests a second
	IMDSAtOnce = 5  // requests in hand
)

// Limits hold a replica that asks as on a virtual machine (TK-8).
type Limits struct {
	Rate   float64 // requests a second; 0 means IMDSRate
	AtOnce int     // requests in hand; 0 means IMDSAtOnce
}

// meters are the limits' counts, by replica.
type meters struct {
	mu    sync.Mutex
	all   map[*host.Replica]*meter
	sweep int // how many there are when those of replicas that ended go
}

type meter struct {
	rate *rate.Limiter
	busy int // requests in hand, under meters.mu
}

// enter takes a request in hand, until leave is called, or refuses it.
func (d *Door) enter(r *host.Replica) (leave func(), err error) {
	m := &d.meters
	perSecond, atOnce := cmp.Or(d.Limits.Rate, IMDSRate), cmp.Or(d.Limits.AtOnce, IMDSAtOnce)
	m.mu.Lock()
	defer m.mu.Unlock()
	one := m.all[r]
	if one == nil {
		one = &meter{rate: rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond), 1))}
		m.add(r, one)
	}
	if one.busy >= atOnce {
		return nil, slowDown("%d requests are in hand", atOnce)
	}
	if !one.rate.AllowN(d.now(), 1) {
		return nil, slowDown("%g requests came in a second", perSecond)
	}
	one.busy++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		one.busy--
	}, nil
}

func (m *meters) add(r *host.Replica, one *meter) {
	if m.all == nil {
		m.all, m.sweep = map[*host.Replica]*meter{}, 64
	}
	if len(m.all) >= m.sweep {
		for r := range m.all {
			if !r.Alive() {
				delete(m.all, r)
			}
		}
		m.sweep = max(64, 2*len(m.all))
	}
	m.all[r] = one
}

func slowDown(format string, args ...any) error {
	f := fault.New(fault.TooMany, codeTooMany, "Too many requests: "+format+".", args...)
	return f.With("Retry-After", "1")
}
