package telemetry

import (
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
)

// delivery is what tokens that were minted before are counted by when they are given out again.
type delivery struct {
	replica   string
	principal cloud.PrincipalID
}

// Delivered counts tokens of a principal that a replica was given once more. The counts of a minute are
// written when it has passed.
func (s *SignIns) Delivered(replica string, of cloud.PrincipalID, n int) {
	key := delivery{replica, of}
	s.counting.RLock()
	count := s.counts[key]
	if count != nil {
		count.Add(int64(n))
	}
	s.counting.RUnlock()
	if count != nil {
		return
	}
	s.counting.Lock()
	defer s.counting.Unlock()
	if s.counts[key] == nil {
		s.counts[key] = &atomic.Int64{}
	}
	s.counts[key].Add(int64(n))
	if s.tick == nil {
		now := s.now()
		s.minute = now.Truncate(time.Minute)
		s.tick = time.AfterFunc(s.minute.Add(time.Minute).Sub(now), s.settleCounts)
	}
}

// settleCounts lets the counts so far be written.
func (s *SignIns) settleCounts() {
	s.counting.Lock()
	counts, minute := s.counts, s.minute
	s.counts, s.tick = map[delivery]*atomic.Int64{}, nil
	s.counting.Unlock()
	for d, n := range counts {
		s.add(note{kind: delivered, marks: marks{principal: string(d.principal)}, where: d.replica, at: minute.UnixNano(), count: n.Load()})
	}
}
