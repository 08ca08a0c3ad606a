package cloud

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The keys of a timing that is spelled out, and what removal can be.
const (
	keyTokenCache  = "token-cache"
	keyRemoval     = "removal"
	keyPropagation = "role-propagation"
	atOnce         = "at-once"
	atExpiry       = "expiry"
)

// ParseTiming reads a timing as people write it: "instant", "azure", or its parts, as in
// "token-cache=1h,removal=expiry"; what is left out is as in instant.
func ParseTiming(text string) (Timing, error) {
	switch text {
	case "instant":
		return Instant, nil
	case "azure":
		return AsAzure, nil
	}
	t, given := Instant, map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || given[key] {
			return Timing{}, fmt.Errorf("%q is not a timing: it is instant, azure, or each of %s=SPAN, %s=%s|%s and %s=SPAN at most once",
				text, keyTokenCache, keyRemoval, atOnce, atExpiry, keyPropagation)
		}
		given[key] = true
		if err := t.set(key, value); err != nil {
			return Timing{}, err
		}
	}
	return t, nil
}

func (t *Timing) set(key, value string) error {
	switch key {
	case keyTokenCache:
		life, err := ParseSpan(value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if life < time.Minute || life > Instant.TokenCache {
			return fmt.Errorf("%s is between a minute and %s, not %s", key, Span(Instant.TokenCache), value)
		}
		t.TokenCache = life
	case keyRemoval:
		if value != atOnce && value != atExpiry {
			return fmt.Errorf("%s is %s or %s, not %q", key, atOnce, atExpiry, value)
		}
		t.Outlive = value == atExpiry
	case keyPropagation:
		wait, err := ParseSpan(value)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if wait > day {
			return fmt.Errorf("%s is at most a day, not %s", key, value)
		}
		t.RolePropagation = wait
	default:
		return fmt.Errorf("a timing has no %q: it has %s, %s and %s", key, keyTokenCache, keyRemoval, keyPropagation)
	}
	return nil
}

// String gives the timing in the words that ParseTiming reads.
func (t Timing) String() string {
	switch t {
	case Instant:
		return "instant"
	case AsAzure:
		return "azure"
	}
	removal := atOnce
	if t.Outlive {
		removal = atExpiry
	}
	text := keyTokenCache + "=" + Span(t.TokenCache) + "," + keyRemoval + "=" + removal
	if t.RolePropagation > 0 {
		text += "," + keyPropagation + "=" + Span(t.RolePropagation)
	}
	return text
}

const day = 24 * time.Hour

// maxDays bounds a span: what is longer no duration could hold.
const maxDays = 100_000

// ParseSpan reads a span of time as people write it: 25h, 30m, 7d, 1d12h.
func ParseSpan(text string) (time.Duration, error) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > maxDays || text == "" {
		return 0, fmt.Errorf("%.40q is not a span of time like 25h, 30m or 7d", text)
	}
	var span time.Duration
	if rest != "" {
		if span, err = time.ParseDuration(rest); err != nil || span < 0 || strings.ContainsAny(rest, "+-") {
			return 0, fmt.Errorf("%.40q is not a span of time like 25h, 30m or 7d", text)
		}
	}
	if total := time.Duration(n) * day; span <= maxDays*day-total {
		return total + span, nil
	}
	return 0, fmt.Errorf("%.40q is too long", text)
}

// Span gives a span of time in the words that ParseSpan reads.
func Span(d time.Duration) string {
	var text string
	if n := d / day; n > 0 {
		text, d = strconv.FormatInt(int64(n), 10)+"d", d%day
	}
	if d == 0 && text != "" {
		return text
	}
	rest := d.String() // 1h0m0s
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return text + rest
}
