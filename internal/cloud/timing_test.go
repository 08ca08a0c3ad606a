package cloud

import (
	"math"
	"testing"
	"time"
)

func TestTimingsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]Timing{
		"instant":                            Instant,
		"azure":                              AsAzure,
		"token-cache=1h,removal=expiry":      {TokenCache: time.Hour, Outlive: true},
		"removal=expiry":                     {TokenCache: day, Outlive: true},
		"removal=expiry,role-propagation=5m": AsAzure,
		"role-propagation=10m":               {TokenCache: day, RolePropagation: 10 * time.Minute},
		"removal=at-once":                    Instant,
		"token-cache=90m":                    {TokenCache: 90 * time.Minute},
		"token-cache=1d":                     Instant,
	} {
		got, err := ParseTiming(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if again, err := ParseTiming(got.String()); err != nil || again != got {
			t.Errorf("%s is written %s, which is read as %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "Azure", "slow", "token-cache", "token-cache=", "token-cache=0s", "token-cache=59s", "token-cache=25h", "token-cache=-1h",
		"removal=never", "removal=expiry,removal=expiry", "role-cache=5m", "role-propagation=25h", "role-propagation=-5m", "instant,removal=expiry", "removal=expiry,",
	} {
		if got, err := ParseTiming(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestSpansAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"25h": 25 * time.Hour, "30m": 30 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour, "0d1s": time.Second, "1.5h": 90 * time.Minute,
	} {
		got, err := ParseSpan(text)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
		if again, err := ParseSpan(Span(got)); err != nil || again != got {
			t.Errorf("%s is written %s, which is read as %s, %v", text, Span(got), again, err)
		}
	}
	for _, text := range []string{"", "d", "25", "-1h", "+1h", "1d-2h", "-1d", "1h1d", "1e9d", "99999999999d", "100000d24h", "1w"} {
		if got, err := ParseSpan(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

func TestAWorldsClockAgesWhatThereWas(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := Clock{{At: noon.Add(time.Minute), By: 25 * time.Hour}, {At: noon.Add(time.Hour), By: day}}
	for sentence, test := range map[string]struct {
		born, now time.Duration // since noon
		want      time.Duration
	}{
		"before both, after both": {0, 2 * time.Hour, 2*time.Hour + 25*time.Hour + day},
		"between them":            {2 * time.Minute, 2 * time.Hour, 2*time.Hour - 2*time.Minute + day},
		"after both":              {90 * time.Minute, 2 * time.Hour, 30 * time.Minute},
		"before the second":       {0, 59 * time.Minute, 59*time.Minute + 25*time.Hour},
		"of this moment":          {2 * time.Hour, 2 * time.Hour, 0},
	} {
		if got := c.Age(noon.Add(test.born), noon.Add(test.now)); got != test.want {
			t.Errorf("%s: %s, want %s", sentence, got, test.want)
		}
	}
}

// What has no time of its making, or a clock that somebody wrote wrongly, makes nothing young (T24).
func TestAgesNeitherOverflowNorShrink(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got := (Clock{{At: noon, By: day}, {At: noon, By: math.MaxInt64}}).Age(time.Time{}, noon); got != math.MaxInt64 {
		t.Errorf("what is older than all is %s old", got)
	}
	if got := (Clock{{At: noon, By: -day}}).Age(noon, noon.Add(time.Hour)); got != time.Hour {
		t.Errorf("after an advance by less than nothing, what is an hour old is %s old", got)
	}
}
