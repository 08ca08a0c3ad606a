package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lanyard/internal/secret"
)

func newBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func seal(t *testing.T, box *secret.Box, plain, context string) []byte {
	t.Helper()
	sealed, err := box.Seal([]byte(plain), context)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestWhatWasSealedOpensInItsContext(t *testing.T) {
	box := newBox(t)
	for name, plain := range map[string]string{
		"a short secret": "s3cret", "nothing at all": "", "five megabytes": strings.Repeat("x", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := box.Open(seal(t, box, plain, "/vault/a"), "/vault/a")
			if err != nil || string(got) != plain {
				t.Errorf("opened %d bytes, %v; want the %d that were sealed", len(got), err, len(plain))
			}
		})
	}
}

func TestSealedTextHoldsNoPlaintext(t *testing.T) {
	box := newBox(t)
	plain := "the quick brown fox jumps over the lazy dog"
	sealed := seal(t, box, plain, "/vault/a")
	for i := 0; i+4 <= len(plain); i++ {
		if bytes.Contains(sealed, []byte(plain[i:i+4])) {
			t.Fatalf("sealed text holds %q", plain[i:i+4])
		}
	}
	if bytes.Equal(sealed, seal(t, box, plain, "/vault/a")) {
		t.Error("sealing twice gives the same text, so equal secrets can be told")
	}
}

func TestWhatDoesNotBelongIsRefused(t *testing.T) {
	box := newBox(t)
	sealed := seal(t, box, "s3cret", "/vault/a")
	for name, open := range map[string]func() ([]byte, error){
		"in another context":   func() ([]byte, error) { return box.Open(sealed, "/vault/b") },
		"in no context":        func() ([]byte, error) { return box.Open(sealed, "") },
		"with another key":     func() ([]byte, error) { return newBox(t).Open(sealed, "/vault/a") },
		"cut short":            func() ([]byte, error) { return box.Open(sealed[:len(sealed)-1], "/vault/a") },
		"with something added": func() ([]byte, error) { return box.Open(append(bytes.Clone(sealed), 0), "/vault/a") },
		"when it is nothing":   func() ([]byte, error) { return box.Open(nil, "/vault/a") },
	} {
		t.Run(name, func(t *testing.T) {
			if plain, err := open(); !errors.Is(err, secret.ErrUnopened) || plain != nil {
				t.Errorf("opened %q, %v; want ErrUnopened", plain, err)
			}
		})
	}
	t.Run("with any one bit turned", func(t *testing.T) {
		for i := range len(sealed) * 8 {
			tampered := bytes.Clone(sealed)
			tampered[i/8] ^= 1 << (i % 8)
			if _, err := box.Open(tampered, "/vault/a"); !errors.Is(err, secret.ErrUnopened) {
				t.Fatalf("bit %d turned: %v; want ErrUnopened", i, err)
			}
		}
	})
}

func TestAKeyDrawnFromTheSameRandomnessIsTheSame(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, 36)
	one, err := secret.NewBox(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	two, err := secret.NewBox(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := two.Open(seal(t, one, "s3cret", "c"), "c"); err != nil || string(got) != "s3cret" {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := secret.NewBox(bytes.NewReader(seed[:35])); err == nil {
		t.Error("a key was made of too little randomness")
	}
}

func TestABoxDoesNotPrintItsKey(t *testing.T) {
	box, err := secret.NewBox(bytes.NewReader(bytes.Repeat([]byte{7}, 36)))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, box); got != "[box]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
