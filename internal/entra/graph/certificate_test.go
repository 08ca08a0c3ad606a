package graph_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/cloud"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate gives a key credential as az sends one it has just made: base64 in lines, a second of
// room on both sides.
func certificate(t *testing.T, w *world, keyID string) object {
	t.Helper()
	w.serial++
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(w.serial), Subject: pkix.Name{CommonName: "CLI-Login"},
		NotBefore: w.now.Add(-time.Second), NotAfter: w.now.AddDate(1, 0, 0).Add(time.Second),
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, &rsaKey().PublicKey, rsaKey())
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(der)
	return object{
		"@odata.type": "#microsoft.graph.keyCredential", "displayName": nil, "keyId": keyID, "key": text[:64] + "\n" + text[64:],
		"startDateTime": "2026-11-21T12:00:00Z", "endDateTime": "2027-11-21T12:00:00Z", "type": "AsymmetricX509Cert", "usage": "Verify",
	}
}

const firstKey, secondKey = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

// TestCertificatesComeAndGo is create-for-rbac --create-cert, credential reset --append and
// credential delete --cert as az does them: reading the list and writing it back.
func TestCertificatesComeAndGo(t *testing.T) {
	w := start(t)
	app := w.call(w.owner, 201, "POST", "/applications", object{"displayName": "ci", "keyCredentials": []any{certificate(t, w, firstKey)}})
	w.call(w.owner, 201, "POST", "/servicePrincipals", object{"appId": app["appId"], "accountEnabled": true})
	p, _ := w.dir.ByClient(cloud.ClientID(app["appId"].(string)))
	at := "/applications/" + app["id"].(string)
	shown := func() []any { return w.call(w.owner, 200, "GET", at, nil)["keyCredentials"].([]any) }
	keys := shown()
	if k := keys[0].(object); len(keys) != 1 || k["keyId"] != firstKey || k["key"] != nil || k["displayName"] != "CN=CLI-Login" || len(k["customKeyIdentifier"].(string)) != 40 {
		t.Errorf("shown are %v", keys)
	}
	if valid := w.dir.Certificates(p); len(valid) != 1 || valid[0].KeyID != firstKey {
		t.Errorf("the principal signs by %v", valid)
	}
	w.call(w.owner, 204, "PATCH", at, object{"keyCredentials": append(keys, certificate(t, w, secondKey))})
	if keys = shown(); len(keys) != 2 || len(w.dir.Certificates(p)) != 2 {
		t.Fatalf("after one was added: %v", keys)
	}
	w.call(w.owner, 204, "PATCH", at, object{"keyCredentials": keys[1:]})
	if valid := w.dir.Certificates(p); len(valid) != 1 || valid[0].KeyID != secondKey {
		t.Errorf("after one was removed: %v", valid)
	}
	sp := "/servicePrincipals/" + string(p.ID)
	w.call(w.owner, 204, "PATCH", sp, object{"keyCredentials": []any{certificate(t, w, firstKey)}})
	p, _ = w.dir.Principal(p.ID)
	if len(w.dir.Certificates(p)) != 2 || len(w.call(w.owner, 200, "GET", sp, nil)["keyCredentials"].([]any)) != 1 {
		t.Error("a certificate of the service principal's own")
	}
}

func TestCertificatesAreRefusedByGraph(t *testing.T) {
	w := start(t)
	app := w.call(w.owner, 201, "POST", "/applications", object{"displayName": "ci", "keyCredentials": []any{certificate(t, w, firstKey)}})
	at := "/applications/" + app["id"].(string)
	change := func(name string, value any) object {
		c := certificate(t, w, secondKey)
		c[name] = value
		return c
	}
	known := w.call(w.owner, 200, "GET", at, nil)["keyCredentials"].([]any)[0].(object)
	longer := object{}
	for name, value := range known {
		longer[name] = value
	}
	longer["endDateTime"] = "2030-01-01T00:00:00Z"
	for sentence, c := range map[string]struct {
		sent   object
		status int
		code   string
	}{
		"no certificate":                   {change("key", "aGVsbG8="), 400, "KeyCredentialsInvalid"},
		"no base64":                        {change("key", "~~~"), 400, "KeyCredentialsInvalid"},
		"no key":                           {change("key", nil), 400, "Request_BadRequest"},
		"a term beyond the certificate":    {change("endDateTime", "2030-01-01T00:00:00Z"), 400, "KeyCredentialsInvalid"},
		"a symmetric key":                  {change("type", "Symmetric"), 501, "NotImplemented"},
		"a key for signing":                {change("usage", "Sign"), 501, "NotImplemented"},
		"an id that is none":               {change("keyId", "x"), 400, "Request_BadRequest"},
		"an unknown member":                {change("password", "x"), 400, "Request_BadRequest"},
		"a known one with another term":    {longer, 400, "KeyCredentialsUpdateNotAllowed"},
		"a known one with another key":     {certificate(t, w, firstKey), 400, "KeyCredentialsUpdateNotAllowed"},
		"one that is not there, by its id": {object{"keyId": secondKey, "type": "AsymmetricX509Cert", "usage": "Verify"}, 400, "Request_BadRequest"},
	} {
		if code, message := w.refused(w.owner, c.status, "PATCH", at, object{"keyCredentials": []any{c.sent}}); code != c.code {
			t.Errorf("%s: %s %s", sentence, code, message)
		}
	}
	w.refused(w.owner, 400, "PATCH", at, object{"keyCredentials": []any{known, known}})
	w.refused(w.owner, 400, "PATCH", at, object{"keyCredentials": "x"})
	if code, _ := w.refused(w.owner, 400, "PATCH", at, object{"passwordCredentials": []any{object{"secretText": strings.Repeat("x", 40)}}}); code != "Request_BadRequest" {
		t.Errorf("a password in a PATCH: %s", code)
	}
	for _, path := range []string{"/addKey", "/removeKey"} {
		w.refused(w.owner, 501, "POST", at+path, object{})
	}
}
