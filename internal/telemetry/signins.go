package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

const (
	// keepSignIns is how long records of tokens are kept.
	keepSignIns = 90 * 24 * time.Hour
	// maxRefused bounds how many refusals are kept: the newest.
	maxRefused = 1 << 14
	// maxDelivered bounds how many counts of deliveries are kept: the newest.
	maxDelivered = 1 << 19
	// defaultPatience is how long a token waits for its record.
	defaultPatience = 2 * time.Second
)

// SignIns keeps a record of each token that was minted, in one SQLite file, 0600, for 90 days and up
// to 256 MiB: the oldest go first. A record is forced to the disk before its token is given to
// anybody (T22), in groups. Each holds the digest of what came before it. Beside them lie the newest
// refusals, and how often tokens were given out again; both are written when nobody waits. Its methods
// may be called at once from several goroutines.
type SignIns struct {
	*ledger[note]
	patience time.Duration
	degrade  bool
	limits   limits

	unrecorded atomic.Int64 // tokens that were given out before their records were written
	lost       atomic.Int64 // of those, the ones whose records never will be
	ahead      atomic.Int64 // of those, the ones since the disk last took any

	counting sync.RWMutex
	counts   map[delivery]*atomic.Int64
	minute   time.Time
	tick     *time.Timer
}

// Keeping says how sign-ins are kept. The zero Keeping refuses what cannot be recorded.
type Keeping struct {
	// Degrade has tokens given out though their records cannot be written: they are counted, and
	// written when that is possible again.
	Degrade bool
	// Patience is how long a token waits for its record; 0 means 2 seconds.
	Patience time.Duration
	Now      func() time.Time // nil means time.Now
	Log      *slog.Logger     // nil discards
}

// OpenSignIns opens the file at path, and makes it when there is none; "" keeps records in memory
// alone.
func OpenSignIns(ctx context.Context, path string, k Keeping) (*SignIns, error) {
	s := &SignIns{patience: k.Patience, degrade: k.Degrade, counts: map[delivery]*atomic.Int64{}}
	if s.patience == 0 {
		s.patience = defaultPatience
	}
	var err error
	s.ledger, err = openLedger(ctx, path, book[note]{
		name: "sign-in records", schema: signInSchema, durable: true, busy: s.patience / 2,
		tables: []table{
			{name: "signins", life: keepSignIns},
			{name: "refused", life: keepSignIns, most: maxRefused},
			{name: "delivered", life: keepSignIns, most: maxDelivered},
		},
		put: putNotes, lost: s.losing, wrote: s.caughtUp, statements: []string{readHead, writeHead, insertSignIn, insertRefused, insertDelivered},
		now: k.Now, log: k.Log,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Record returns once the record of a token is on the disk. An error means that it is not, or that
// nobody knows: the token must not be given to anybody, though its record may turn up. Under Degrade
// there is no error.
func (s *SignIns) Record(ctx context.Context, in cloud.SignIn) error {
	n := noteOf(in)
	if s.degrade && s.stuck(s.patience) {
		s.add(n)
		s.unwritten()
		return nil
	}
	err := s.commit(ctx, n, s.patience, s.degrade)
	switch {
	case err == nil:
		return nil
	case s.degrade:
		s.unwritten()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fault.New(fault.Unavailable, "temporarily_unavailable",
		"The token cannot be recorded now, and none is given out without a record. Please retry.").Because(err)
}

// Refuse keeps the record of a token that somebody did not get, as far as not too many come at once:
// those that are left out are counted. It never waits for the disk.
func (s *SignIns) Refuse(r cloud.Refused) {
	r.Replica, r.Code = clip(r.Replica, maxText), clip(r.Code, maxText)
	if suppressed, ok := s.limits.admit(s.now(), r.Replica, r.Code); ok {
		s.add(noteOfRefused(r, suppressed))
	}
}

// unwritten counts a token that is given out before its record is written.
func (s *SignIns) unwritten() {
	s.unrecorded.Add(1)
	if s.ahead.Add(1) == 1 {
		s.log.Error("tokens are given out before their records are written")
	}
}

// caughtUp says how many they were; the ledger calls it.
func (s *SignIns) caughtUp() {
	if n := s.ahead.Swap(0); n > 0 {
		s.log.Warn("the records of tokens that were given out are written", "tokens", n, "lost", s.lost.Load())
	}
}

// losing counts the records of tokens that were given out and that memory has no room for; the
// ledger calls it.
func (s *SignIns) losing(notes []note) {
	for _, n := range notes {
		if n.kind == minted && s.degrade {
			s.lost.Add(1)
		}
	}
}

// Records says how it stands with the records of tokens.
type Records struct {
	// Mode is what becomes of a token that cannot be recorded: it is refused, or, under degrade, given out.
	Mode string `json:"mode"`
	// Failing is since when the disk refuses records, and Error is what it says.
	Failing time.Time `json:"failing,omitzero"`
	Error   string    `json:"error,omitempty"`
	// Waiting is how many records have yet to be written.
	Waiting int `json:"waiting"`
	// Unrecorded is how many tokens were given out, since the start, before their records were written,
	// and Lost of how many of these there will never be one.
	Unrecorded int64 `json:"unrecorded"`
	Lost       int64 `json:"lost"`
	// Suppressed is how many refusals were left out, since the start, as too many came at once.
	Suppressed int64 `json:"suppressed"`
}

// Records says how it stands.
func (s *SignIns) Records() Records {
	r := Records{Mode: "refuse", Unrecorded: s.unrecorded.Load(), Lost: s.lost.Load(), Suppressed: s.limits.suppressed()}
	if s.degrade {
		r.Mode = "degrade"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Waiting = len(s.waiting) + s.taken
	if s.trouble != nil {
		r.Failing, r.Error = s.since, s.trouble.Error()
	}
	return r
}

// Close writes what waits and closes the file.
func (s *SignIns) Close() error {
	s.counting.Lock()
	if s.tick != nil {
		s.tick.Stop()
	}
	s.counting.Unlock()
	s.settleCounts()
	return s.ledger.Close()
}
