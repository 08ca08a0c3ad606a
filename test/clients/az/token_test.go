package az

import (
	"encoding/base64"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

// claims reads what a token says, for judging it like an answer.
func claims(t *testing.T, token string) *answer {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return &answer{t: t, command: "the token", outcome: stage.Outcome{Out: string(text)}}
}
