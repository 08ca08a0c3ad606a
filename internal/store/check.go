package store

import (
	"errors"
	"fmt"
	"strings"
)

// Check refuses a transaction that no driver may make: one that is empty or holds more than
// MaxChanges, or names a key twice or an impossible one. Drivers call it first.
func Check(changes []Change) error {
	if len(changes) == 0 {
		return errors.New("commit: a transaction needs a change")
	}
	if len(changes) > MaxChanges {
		return fmt.Errorf("commit %d changes, of at most %d: %w", len(changes), MaxChanges, ErrTooMany)
	}
	named := make(map[string]bool, len(changes))
	for _, c := range changes {
		switch {
		case c.Key == "":
			return errors.New("commit: a change needs a key")
		case named[c.Key]:
			return fmt.Errorf("commit: %s is named twice in one transaction", c.Key)
		case strings.IndexByte(c.Key, 0) >= 0:
			return fmt.Errorf("commit: the key %q holds a NUL", c.Key)
		case c.If < Any:
			return fmt.Errorf("commit: %s is compared with the impossible revision %d", c.Key, c.If)
		}
		named[c.Key] = true
	}
	return nil
}
