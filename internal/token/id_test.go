package token

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

func TestAnIDTellsWhenItsTokenWasMinted(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, 11, 21, 19, 13, 1, 123456000, time.UTC),
		time.Unix(0, 0).UTC(),
		time.Date(2200, 1, 1, 0, 0, 0, 999999000, time.UTC),
	} {
		id, err := NewID(at, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := MintedAt(id); !ok || !got.Equal(at) || len(id) != 22 {
			t.Errorf("%s of %v: got %v, %v", id, at, got, ok)
		}
	}
}

func TestTwoTokensOfOneMomentHaveTwoIDs(t *testing.T) {
	at := time.Now()
	seen := map[string]bool{}
	for range 1000 {
		id, err := NewID(at, rand.Reader)
		if err != nil || seen[id] {
			t.Fatalf("id %q came twice, or %v", id, err)
		}
		seen[id] = true
	}
}

func TestIDsOfOthersTellNothing(t *testing.T) {
	for name, id := range map[string]string{
		"empty":          "",
		"another length": "AQAA",
		"another mark":   "ZZZZZZZZZZZZZZZZZZZZZA",
		"loose bits":     "AQZEH6pTAkABAgMEBQYHCB",
		"no base64url":   "AQZEH6pTAkABAgMEBQYH+A",
	} {
		if at, ok := MintedAt(id); ok {
			t.Errorf("%s: got %v", name, at)
		}
	}
	if _, err := NewID(time.Now(), bytes.NewReader(nil)); err == nil {
		t.Error("an id was drawn without randomness")
	}
}

func TestWhenATokenWasMintedIsBelievedOnlyWhereItsIssueAgrees(t *testing.T) {
	const back = 5 * time.Minute
	at := time.Date(2026, 11, 21, 19, 13, 1, 900000000, time.UTC)
	id, err := NewID(at, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issued := at.Add(-back).Unix()
	if got := (Claims{ID: id, IssuedAt: issued}).Minted(back); !got.Equal(at) {
		t.Errorf("minted at %v, says %v", at, got)
	}
	for name, c := range map[string]Claims{
		"an id of somebody else": {ID: "ZZZZZZZZZZZZZZZZZZZZZA", IssuedAt: issued},
		"an id that lies later":  {ID: id, IssuedAt: issued - 7},
		"an id from before":      {ID: id, IssuedAt: issued + 7},
	} {
		if got := c.Minted(back); !got.Equal(time.Unix(c.IssuedAt, 0).Add(back)) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
