package host

import "time"

// A command that ends is started again after a pause that doubles with each end, from one second
// to five minutes, and is forgiven after ten good minutes: Kubernetes' rule for crash loops.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	forgiven   = 10 * time.Minute
)

type backoff struct{ next time.Duration }

// after gives the pause that follows a run of that length.
func (b *backoff) after(ran time.Duration) time.Duration {
	if b.next == 0 || ran >= forgiven {
		b.next = firstPause
	}
	wait := b.next
	b.next = min(2*b.next, lastPause)
	return wait
}
