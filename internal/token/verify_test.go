package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"lanyard/internal/token"
)

func TestWhatWasSignedVerifiesWithTheSameClaims(t *testing.T) {
	want := claims()
	got, err := verifier(signingKey()).Verify(sign(t, signingKey(), want), noon)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Verify gave %+v, want %+v", got, want)
	}
}

func TestAudiencesAreComparedByteForByte(t *testing.T) { // T12
	for sentence, aud := range map[string]string{
		"another host":                     "https://vault.evil",
		"a longer one with the same start": audience + ".evil.test",
		"a prefix":                         "https://vault.azure",
		"a trailing slash":                 audience + "/",
		"two trailing slashes":             audience + "//",
		"another case":                     "https://Vault.azure.net",
		"a port":                           audience + ":443",
		"a path":                           audience + "/secrets",
		"another scheme":                   "http://vault.azure.net",
		"no scheme":                        "vault.azure.net",
		"a space":                          audience + " ",
		"several in one string":            audience + " https://management.azure.com",
		"nothing":                          "",
	} {
		t.Run(sentence, func(t *testing.T) {
			c := claims()
			c.Audience = aud
			_, err := verifier(signingKey()).Verify(sign(t, signingKey(), c), noon)
			if got := reasonOf(t, err); got != token.WrongAudience {
				t.Errorf("aud %q: %q, want %q", aud, got, token.WrongAudience)
			}
		})
	}
}

func TestTimesAreKeptWithinFiveMinutes(t *testing.T) { // T24
	c := claims()
	begins, ends := time.Unix(c.NotBefore, 0), time.Unix(c.Expires, 0)
	raw := sign(t, signingKey(), c)
	for sentence, test := range map[string]struct {
		now  time.Time
		want token.Reason
	}{
		"five minutes before it begins":            {begins.Add(-token.Skew), ""},
		"a second more than that":                  {begins.Add(-token.Skew - time.Second), token.NotYetValid},
		"the last second of five minutes after it": {ends.Add(token.Skew - time.Second), ""},
		"five minutes after it ended":              {ends.Add(token.Skew), token.Expired},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := verifier(signingKey()).Verify(raw, test.now)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestAKeySpeaksForItsOwnIssuerInItsOwnTime(t *testing.T) { // T13, Storm-0558
	const foreign = "https://sts.windows.net/99999999-0000-4000-8000-000000000009/"
	for sentence, test := range map[string]struct {
		change  func(k *token.Key, c *token.Claims)
		accepts []string
		want    token.Reason
	}{
		"the key of one tenant, the iss of another": {
			change: func(k *token.Key, _ *token.Claims) { k.Issuer = foreign }, accepts: []string{issuer, foreign}, want: token.WrongIssuer},
		"the iss of a tenant whose key it is not": {
			change: func(_ *token.Key, c *token.Claims) { c.Issuer = foreign }, accepts: []string{issuer, foreign}, want: token.WrongIssuer},
		"an issuer that is its key's and not accepted": {
			change: func(k *token.Key, c *token.Claims) { k.Issuer, c.Issuer = foreign, foreign }, accepts: []string{issuer}, want: token.WrongIssuer},
		"an issuer without its trailing slash": {
			change: func(_ *token.Key, c *token.Claims) { c.Issuer = strings.TrimSuffix(issuer, "/") }, accepts: []string{issuer}, want: token.WrongIssuer},
		"an empty issuer on both sides": {
			change: func(k *token.Key, c *token.Claims) { k.Issuer, c.Issuer = "", "" }, accepts: []string{issuer}, want: token.WrongIssuer},
		"a key that ended": {
			change: func(k *token.Key, _ *token.Claims) { k.NotAfter = noon.Add(-token.Skew - time.Second) }, accepts: []string{issuer}, want: token.UnknownKey},
		"a key that ended within the skew": {
			change: func(k *token.Key, _ *token.Claims) { k.NotAfter = noon.Add(-token.Skew) }, accepts: []string{issuer}},
		"a key that has not begun": {
			change: func(k *token.Key, _ *token.Claims) { k.NotBefore = noon.Add(token.Skew + time.Second) }, accepts: []string{issuer}, want: token.UnknownKey},
		"a key that is not published": {
			change: func(k *token.Key, _ *token.Claims) { k.ID = "another" }, accepts: []string{issuer}, want: token.UnknownKey},
	} {
		t.Run(sentence, func(t *testing.T) {
			k, c := signingKey(), claims()
			test.change(&k, &c)
			raw := sign(t, k, c)
			if test.want == token.UnknownKey && k.ID != signingKey().ID {
				k = signingKey()
			}
			v := verifier(k)
			v.Issuers = test.accepts
			_, err := v.Verify(raw, noon)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// payload gives good claims as a map with changes; a nil value takes a claim away.
func payload(changes map[string]any) map[string]any {
	all := map[string]any{}
	b, _ := json.Marshal(claims())
	_ = json.Unmarshal(b, &all)
	maps.Copy(all, changes)
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		}
	}
	return all
}

func header(changes map[string]any) map[string]any {
	all := map[string]any{"typ": "JWT", "alg": "RS256", "kid": "current", "x5t": "current"}
	maps.Copy(all, changes)
	return all
}

func TestForgedTokensAreRefused(t *testing.T) { // T13, RFC 8725
	good := sign(t, signingKey(), claims())
	parts := strings.Split(good, ".")
	public := map[string]any{"kty": "RSA", "kid": "current", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(theirs().N.Bytes())}
	for sentence, test := range map[string]struct {
		raw  string
		want token.Reason
	}{
		"alg none without a signature":                {encode(header(map[string]any{"alg": "none"})) + "." + encode(payload(nil)) + ".", token.Malformed},
		"alg none with our signature":                 {encode(header(map[string]any{"alg": "none"})) + "." + parts[1] + "." + parts[2], token.BadAlgorithm},
		"alg nOnE":                                    {craft(ours(), header(map[string]any{"alg": "nOnE"}), payload(nil)), token.BadAlgorithm},
		"no alg at all":                               {craft(ours(), map[string]any{"kid": "current"}, payload(nil)), token.BadAlgorithm},
		"HS256 with the public key in PEM":            {hs256(publicPEM(t)), token.BadAlgorithm},
		"HS256 with the public key in DER":            {hs256(x509.MarshalPKCS1PublicKey(&ours().PublicKey)), token.BadAlgorithm},
		"RS512":                                       {craft(ours(), header(map[string]any{"alg": "RS512"}), payload(nil)), token.BadAlgorithm},
		"PS256":                                       {craft(ours(), header(map[string]any{"alg": "PS256"}), payload(nil)), token.BadAlgorithm},
		"another's key under our kid":                 {craft(theirs(), header(nil), payload(nil)), token.BadSignature},
		"another's key that the token brings":         {craft(theirs(), header(map[string]any{"jwk": public}), payload(nil)), token.BadSignature},
		"another's key that the token links":          {craft(theirs(), header(map[string]any{"jku": "https://evil.test/keys", "x5u": "https://evil.test/cert"}), payload(nil)), token.BadSignature},
		"a link beside our own signature is ignored":  {craft(ours(), header(map[string]any{"jku": "https://evil.test/keys"}), payload(nil)), ""},
		"another's certificate that the token brings": {craft(theirs(), header(map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString(theirsCertified().certificate.Raw)}}), payload(nil)), token.BadSignature},
		"two algorithms in one header":                {craft(ours(), `{"alg":"RS256","alg":"none","kid":"current"}`, payload(nil)), token.Malformed},
		"two kids in one header":                      {craft(ours(), `{"alg":"RS256","kid":"current","kid":"other"}`, payload(nil)), token.Malformed},
		"an array of kids":                            {craft(ours(), header(map[string]any{"kid": []string{"current"}}), payload(nil)), token.Malformed},
		"an array of algorithms":                      {craft(ours(), header(map[string]any{"alg": []string{"RS256"}}), payload(nil)), token.Malformed},
		"two issuers in one object":                   {craft(ours(), header(nil), `{"aud":"`+audience+`","iss":"`+issuer+`","iss":"x","nbf":1,"exp":4102444800}`), token.Malformed},
		"claims deeper than anybody reads":            {craft(ours(), header(nil), `{"a":`+strings.Repeat(`{"a":`, 1500)), token.Malformed},
		"a claim of many thousand digits":             {craft(ours(), header(nil), `{"aud":"`+audience+`","iss":"`+issuer+`","nbf":1,"exp":1`+strings.Repeat("0", 9000)+`}`), token.Malformed},
		"a kid that is a path":                        {craft(theirs(), header(map[string]any{"kid": "../../dev/null"}), payload(nil)), token.UnknownKey},
		"no kid":                                      {craft(ours(), map[string]any{"alg": "RS256"}, payload(nil)), token.UnknownKey},
		"an unknown extension":                        {craft(ours(), header(map[string]any{"crit": []string{"exp"}, "exp": 1}), payload(nil)), token.Malformed},
		"an extension that go-jose knows":             {craft(ours(), header(map[string]any{"crit": []string{"b64"}, "b64": false}), payload(nil)), token.Malformed},
		"a nested token":                              {craft(ours(), header(map[string]any{"cty": "JWT"}), good), token.Malformed},
		"a nested token without cty":                  {craft(ours(), header(nil), good), token.Malformed},
		"another typ":                                 {craft(ours(), header(map[string]any{"typ": "at+jwt"}), payload(nil)), token.Malformed},
		"an array of audiences":                       {craft(ours(), header(nil), payload(map[string]any{"aud": []string{audience}})), token.Malformed},
		"no exp":                                      {craft(ours(), header(nil), payload(map[string]any{"exp": nil})), token.Malformed},
		"no nbf":                                      {craft(ours(), header(nil), payload(map[string]any{"nbf": nil})), token.Malformed},
		"an exp that overflows":                       {craft(ours(), header(nil), payload(map[string]any{"exp": int64(1) << 62})), token.Malformed},
		"an exp in text":                              {craft(ours(), header(nil), payload(map[string]any{"exp": "4102444800"})), token.Malformed},
		"an exp with a fraction":                      {craft(ours(), header(nil), payload(map[string]any{"exp": 4102444800.5})), token.Malformed},
		"two audiences in one object":                 {craft(ours(), header(nil), `{"aud":"`+audience+`","aud":"x","iss":"`+issuer+`","nbf":1,"exp":4102444800}`), token.Malformed},
		"AUD in place of aud":                         {craft(ours(), header(nil), `{"AUD":"`+audience+`","iss":"`+issuer+`","nbf":1,"exp":4102444800}`), token.WrongAudience},
		"claims that are null":                        {craft(ours(), header(nil), `null`), token.Malformed},
		"changed claims":                              {parts[0] + "." + encode(payload(map[string]any{"oid": "x"})) + "." + parts[2], token.BadSignature},
		"no signature":                                {parts[0] + "." + parts[1] + ".", token.Malformed},
		"two parts":                                   {parts[0] + "." + parts[1], token.Malformed},
		"four parts":                                  {good + "." + parts[2], token.Malformed},
		"five parts, encrypted":                       {"e30.e30.e30.e30.e30", token.Malformed},
		"JSON serialisation":                          {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, token.Malformed},
		"a line break":                                {good[:40] + "\n" + good[40:], token.Malformed},
		"padding":                                     {good + "=", token.Malformed},
		"standard base64":                             {strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+/", token.Malformed},
		"nothing":                                     {"", token.Malformed},
		"more than the bound":                         {good + strings.Repeat("A", token.MaxSize), token.Malformed},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := verifier(signingKey()).Verify(test.raw, noon)
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("%q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestAnIDTokenOpensNothing(t *testing.T) { // T13: it tells an app who signed in, and that is all
	raw, err := token.SignID(signingKey(), token.IDClaims{
		Audience: audience, Issuer: "https://login.microsoftonline.com/1b7a4c1e-0000-4000-8000-000000000001/v2.0",
		NotBefore: noon.Unix(), Expires: noon.Unix() + 3600, SignIn: "owner@lanyard.localhost", Version: "2.0",
	})
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(signingKey())
	v.Issuers = append(v.Issuers, "https://login.microsoftonline.com/1b7a4c1e-0000-4000-8000-000000000001/v2.0")
	if _, err := v.Verify(raw, noon); reasonOf(t, err) != token.WrongIssuer {
		t.Errorf("%v, want %q", err, token.WrongIssuer)
	}
}

func TestAnOversizeTokenCostsNothing(t *testing.T) { // T20
	v := token.Verifier{Keys: func(string) (token.Key, bool) {
		t.Error("a key was looked up for a token over the bound")
		return token.Key{}, false
	}}
	raw := craft(ours(), header(nil), payload(map[string]any{"roles": []string{strings.Repeat("x", token.MaxSize)}}))
	if _, err := v.Verify(raw, noon); reasonOf(t, err) != token.Malformed {
		t.Errorf("%v, want %q", err, token.Malformed)
	}
}

func TestARefusalDoesNotRepeatTheToken(t *testing.T) { // T8
	raw := craft(theirs(), header(nil), payload(nil))
	_, err := verifier(signingKey()).Verify(raw, noon)
	if strings.Contains(err.Error(), strings.Split(raw, ".")[1]) {
		t.Errorf("the refusal holds the token: %v", err)
	}
}

func hs256(secret []byte) string {
	input := encode(header(map[string]any{"alg": "HS256"})) + "." + encode(payload(nil))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func publicPEM(t *testing.T) []byte {
	der, err := x509.MarshalPKIXPublicKey(&ours().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// FuzzVerify holds that nothing is accepted but, byte for byte, what was signed: neither any text
// nor a good token in which a few bytes were replaced.
func FuzzVerify(f *testing.F) {
	good := sign(f, signingKey(), claims())
	f.Add(craft(ours(), header(map[string]any{"crit": []string{"b64"}, "b64": false}), payload(nil)), 0, 0, "")
	f.Add(hs256([]byte("secret")), 10, 1, "\n")
	f.Add("e30.e30.e30", len(good), 0, "=")
	f.Add("..", len(good)-1, 1, "B")
	v := verifier(signingKey())
	f.Fuzz(func(t *testing.T, raw string, at, cut int, with string) {
		at = min(max(at, 0), len(good))
		cut = min(max(cut, 0), len(good)-at)
		for _, text := range []string{raw, good[:at] + with + good[at+cut:]} {
			_, err := v.Verify(text, noon)
			if accepted := reasonOf(t, err) == ""; accepted != (text == good) {
				t.Errorf("accepted %t: %q", accepted, text)
			}
		}
	})
}
