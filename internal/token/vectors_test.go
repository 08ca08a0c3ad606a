package token_test

import (
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"lanyard/internal/token"
)

// bilbo is the key of RFC 7520 section 3.3.
const bilbo = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqV" +
	"wGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde" +
	"3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"

// dangerous is the JWS of RFC 7520 section 4.1.4 in three parts: a good RS256 signature over text.
var dangerous = [3]string{
	"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
	"SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h" +
		"ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4",
	"MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-" +
		"Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrD" +
		"aLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
}

// Claims that are not JSON are reached only by a signature that was found good: Malformed tells
// one of those from BadSignature.
func TestTheVectorsOfTheStandards(t *testing.T) {
	const joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	n, err := base64.RawURLEncoding.DecodeString(bilbo)
	if err != nil {
		t.Fatal(err)
	}
	key := token.Key{
		ID: "bilbo.baggins@hobbiton.example", Issuer: "joe", Public: &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
	}
	for sentence, test := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"RFC 7520 4.1, RS256: a good signature over what is no token": {dangerous[0] + "." + dangerous[1] + "." + dangerous[2], token.Malformed},
		"RFC 7520 4.1 with one bit of the payload changed":            {dangerous[0] + ".T" + dangerous[1][1:] + "." + dangerous[2], token.BadSignature},
		"RFC 7515 A.1, HS256": {"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joe +
			".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", token.BadAlgorithm},
		"RFC 7515 A.2, RS256 without a kid": {"eyJhbGciOiJSUzI1NiJ9." + joe + "." + dangerous[2], token.UnknownKey},
		"RFC 7515 A.3, ES256": {"eyJhbGciOiJFUzI1NiJ9." + joe +
			".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", token.BadAlgorithm},
		"RFC 7515 A.5, unsecured":          {"eyJhbGciOiJub25lIn0." + joe + ".", token.Malformed},
		"RFC 7515 E, an unknown extension": {"eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.", token.Malformed},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := verifier(key).Verify(test.raw, noon)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("%q (%v), want %q", got, err, test.want)
			}
		})
	}
}
