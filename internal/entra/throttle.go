package entra

import (
	"sync"
	"time"
)

// How often somebody may be wrong about one name, or all together about codes of devices, before
// they have to wait.
const (
	maxWrong      = 10
	maxWrongCodes = 100
	wrongPause    = 5 * time.Minute
	maxTallies    = 4096 // names that are remembered; the oldest goes first
)

// throttle counts wrong guesses. The zero throttle is ready.
type throttle struct {
	mu    sync.Mutex
	wrong map[string]tally
}

type tally struct {
	count int
	since time.Time
}

// full reports whether there were too many wrong guesses at something lately.
func (t *throttle) full(what string, most int, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, there := t.wrong[what]
	if there && now.Sub(n.since).Abs() >= wrongPause {
		delete(t.wrong, what)
		return false
	}
	return n.count >= most
}

// miss counts a wrong guess.
func (t *throttle) miss(what string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrong == nil {
		t.wrong = map[string]tally{}
	}
	n, there := t.wrong[what]
	if !there {
		n.since = now
		t.makeRoom()
	}
	n.count++
	t.wrong[what] = n
}

// hit forgets the wrong guesses at what was then guessed right.
func (t *throttle) hit(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.wrong, what)
}

func (t *throttle) makeRoom() {
	if len(t.wrong) < maxTallies {
		return
	}
	var oldest string
	for what, n := range t.wrong {
		if oldest == "" || n.since.Before(t.wrong[oldest].since) {
			oldest = what
		}
	}
	delete(t.wrong, oldest)
}
