package entra

import (
	"sync"
	"time"
)

// How often somebody may be wrong about one name, or all together about codes of devices, before
// they have to wait. Codes are guessed by anybody who reaches the page: their bound is far above what
// people mistype, and far below what finds one of 20^9 within its quarter of an hour.
const (
	maxWrong      = 10
	maxWrongCodes = 10_000
	wrongPause    = 5 * time.Minute
	maxTallies    = 4096 // names that are remembered; the oldest goes first
)

// throttle counts guesses. The zero throttle is ready. Whoever guesses at 4096 other names makes it
// forget the oldest, and gains nothing: passwords are drawn, with 256 bits, so that no number of
// guesses finds one. The codes of devices, which are shorter, have a throttle of their own, where
// there is one tally and nothing to forget.
type throttle struct {
	mu    sync.Mutex
	taken map[string]tally
}

type tally struct {
	count int
	since time.Time
}

// take counts a guess at something, and reports whether it was one too many.
func (t *throttle) take(what string, most int, now time.Time) (tooMany bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken == nil {
		t.taken = map[string]tally{}
	}
	n, there := t.taken[what]
	if !there || now.Sub(n.since).Abs() >= wrongPause {
		n = tally{since: now}
	}
	if n.count >= most {
		return true
	}
	if !there {
		t.makeRoom()
	}
	n.count++
	t.taken[what] = n
	return false
}

// giveBack takes a guess out of the count that was right.
func (t *throttle) giveBack(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, there := t.taken[what]; there && n.count > 0 {
		n.count--
		t.taken[what] = n
	}
}

func (t *throttle) makeRoom() {
	if len(t.taken) < maxTallies {
		return
	}
	var oldest string
	for what, n := range t.taken {
		if oldest == "" || n.since.Before(t.taken[oldest].since) {
			oldest = what
		}
	}
	delete(t.taken, oldest)
}
