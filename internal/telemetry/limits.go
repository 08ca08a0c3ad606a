package telemetry

import (
	"sync"
	"time"
)

// How many refusals are recorded: of one replica and code, and of all. Each may come in a burst.
const (
	alikeBurst, alikeEvery = 20, time.Second
	allBurst, allEvery     = 200, 50 * time.Millisecond
	// maxAlike bounds how many replicas and codes are told apart.
	maxAlike = 4096
)

// limits says which refusals are recorded, and counts those that are not. The zero limits is ready.
type limits struct {
	mu    sync.Mutex
	all   pail
	alike map[alike]*pail
	swept time.Time
	left  int64 // out, of all
}

// alike are refusals of one replica for one reason.
type alike struct{ replica, code string }

// pail runs empty with each refusal, and fills up with time.
type pail struct {
	full   time.Time // when it will be, if none is refused until then
	unsaid int64
}

// take reports whether there is still something in the pail.
func (p *pail) take(now time.Time, burst int, every time.Duration) bool {
	from := p.full
	if from.Before(now) {
		from = now
	}
	if from = from.Add(every); from.Sub(now) > time.Duration(burst)*every {
		return false
	}
	p.full = from
	return true
}

// admit reports whether a refusal is recorded, and how many like it were not since the last that was.
func (l *limits) admit(now time.Time, replica, code string) (unsaid int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pail(now, alike{replica, code})
	if !p.take(now, alikeBurst, alikeEvery) || !l.all.take(now, allBurst, allEvery) {
		p.unsaid++
		l.left++
		return 0, false
	}
	unsaid, p.unsaid = p.unsaid, 0
	return unsaid, true
}

// pail gives the one of a replica and code. When too many are told apart, those go that have nothing to
// say; if there are none, all others share one.
func (l *limits) pail(now time.Time, of alike) *pail {
	if p := l.alike[of]; p != nil {
		return p
	}
	if l.alike == nil {
		l.alike = map[alike]*pail{}
	}
	if len(l.alike) >= maxAlike && now.Sub(l.swept) >= alikeEvery {
		l.swept = now
		for key, p := range l.alike {
			if p.unsaid == 0 && !p.full.After(now) {
				delete(l.alike, key)
			}
		}
	}
	if len(l.alike) >= maxAlike {
		of = alike{}
	}
	if l.alike[of] == nil {
		l.alike[of] = &pail{}
	}
	return l.alike[of]
}

// unsaid gives how many refusals were left out.
func (l *limits) unsaid() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}
