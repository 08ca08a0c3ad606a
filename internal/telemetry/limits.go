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
	all   bucket
	alike map[alike]*bucket
	swept time.Time
	left  int64 // out, of all
}

// alike are refusals of one replica for one reason.
type alike struct{ replica, code string }

// bucket runs empty with each refusal, and fills up with time.
type bucket struct {
	full       time.Time // when it will be, if none is refused until then
	suppressed int64
}

// take reports whether there is still something in the bucket.
func (b *bucket) take(now time.Time, burst int, every time.Duration) bool {
	from := b.full
	if from.Before(now) {
		from = now
	}
	if from = from.Add(every); from.Sub(now) > time.Duration(burst)*every {
		return false
	}
	b.full = from
	return true
}

// admit reports whether a refusal is recorded, and how many like it were not since the last that was.
func (l *limits) admit(now time.Time, replica, code string) (suppressed int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.bucket(now, alike{replica, code})
	if !p.take(now, alikeBurst, alikeEvery) || !l.all.take(now, allBurst, allEvery) {
		p.suppressed++
		l.left++
		return 0, false
	}
	suppressed, p.suppressed = p.suppressed, 0
	return suppressed, true
}

// bucket gives the one of a replica and code. When too many are told apart, those go that have nothing to
// say; if there are none, all others share one.
func (l *limits) bucket(now time.Time, of alike) *bucket {
	if p := l.alike[of]; p != nil {
		return p
	}
	if l.alike == nil {
		l.alike = map[alike]*bucket{}
	}
	if len(l.alike) >= maxAlike && now.Sub(l.swept) >= alikeEvery {
		l.swept = now
		for key, p := range l.alike {
			if p.suppressed == 0 && !p.full.After(now) {
				delete(l.alike, key)
			}
		}
	}
	if len(l.alike) >= maxAlike {
		of = alike{}
	}
	if l.alike[of] == nil {
		l.alike[of] = &bucket{}
	}
	return l.alike[of]
}

// suppressed gives how many refusals were left out.
func (l *limits) suppressed() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left
}
