package fault_test

import (
	"strings"
	"testing"

	"lanyard/internal/fault"
)

func TestWhatStrangersSendIsRepeatedShortAndPrintable(t *testing.T) {
	for sent, want := range map[string]string{
		"":                       "",
		"as it is":               "as it is",
		"a\r\nSet-Cookie: b\x00": "a??Set-Cookie: b?",
		"caf\u00e9\x1b[31m":      "caf??[31m",
		strings.Repeat("a", 200): strings.Repeat("a", 200),
		strings.Repeat("a", 201): strings.Repeat("a", 200) + "...",
		strings.Repeat("é", 101): strings.Repeat("?", 100) + "...",
	} {
		if got := fault.Clip(sent); got != want {
			t.Errorf("%q is repeated as %q, want %q", sent, got, want)
		}
	}
}
