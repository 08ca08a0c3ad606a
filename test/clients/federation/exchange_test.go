package federation

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

// token has a provider at a port give a client a token for an audience.
func (a *abroad) token(t *testing.T, port, client, audience string) string {
	t.Helper()
	pem, err := os.ReadFile(a.certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).PostForm("https://127.0.0.1:"+port+"/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {a.secret}, "resource": {audience}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &got); err != nil || strings.Count(got.Token, ".") != 2 {
		t.Fatalf("the provider answered %s %s", answer.Status, body)
	}
	return got.Token
}

func (a *abroad) port() string { return a.issuer[strings.LastIndexByte(a.issuer, ':')+1:] }

// reheaded gives a token's payload under another header, signed by sign.
func reheaded(t *testing.T, token, header string, sign func(input string) []byte) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(token, ".")[1]
	return input + "." + base64.RawURLEncoding.EncodeToString(sign(input))
}

// TK-14: an SDK as it is reads a vault with a token of a provider as it is.
func TestATokenOfAnIndependentIssuerIsExchanged(t *testing.T) {
	s := open(t)
	sound := s.abroad.token(t, s.abroad.port(), "pipeline:Shop", exchange)
	// The same token may come again while it lasts: SDKs and az show it for every resource.
	for range 2 {
		if got := s.read(map[string]string{"sound": sound}); got["sound"] != greeting {
			t.Fatal(got)
		}
	}
	// Without the role, the exchange opens nothing.
	s.Lanyard("role", "assignment", "delete", "--assignee", s.client, "--role", "Key Vault Secrets User", "--scope",
		s.Lanyard("keyvault", "show", "-n", "fed-kv", "-g", "fed", "--query", "id", "-o", "tsv"))
	if got := s.read(map[string]string{"sound": sound}); !strings.Contains(got["sound"], "ForbiddenByRbac") {
		t.Error(got)
	}
	// It is void once nobody trusts it, and when it has ended by the world's clock.
	s.Lanyard("identity", "federated-credential", "delete", "-n", "abroad", "--identity-name", "pipeline", "-g", "fed", "--yes")
	s.says(map[string]string{"distrusted": sound}, map[string]string{"distrusted": "AADSTS700211"})
	s.trust("abroad", s.abroad.issuer, "pipeline:Shop")
	s.Lanyard("clock", "advance", "2h")
	s.says(map[string]string{"aged": sound}, map[string]string{"aged": "AADSTS700024"})
}

// TK-14: a world can take each token once, as whoever stole one comes second.
func TestATokenThatCameBeforeIsRefusedWhereThatIsAskedFor(t *testing.T) {
	s := open(t, "--federated-tokens", "once")
	first := s.abroad.token(t, s.abroad.port(), "pipeline:Shop", exchange)
	if got := s.read(map[string]string{"first": first}); got["first"] != greeting {
		t.Fatal(got)
	}
	s.says(map[string]string{"replayed": first}, map[string]string{"replayed": "AADSTS50013"})
	if got := s.read(map[string]string{"second": s.abroad.token(t, s.abroad.port(), "pipeline:Shop", exchange)}); got["second"] != greeting {
		t.Error(got)
	}
}

// says holds what the SDK says of tokens against what it should.
func (s *scene) says(tokens, wants map[string]string) {
	s.t.Helper()
	for name, said := range s.read(tokens) {
		if !strings.Contains(said, wants[name]) || strings.Contains(said, greeting) {
			s.t.Errorf("%s: %s, and not %s", name, said, wants[name])
		}
	}
}

// TK-14, T13: everything about a token has to be right.
func TestForeignTokensThatDoNotFitAreRefused(t *testing.T) {
	s := open(t)
	dir := t.TempDir()
	other := filepath.Join(dir, "other.pem")
	drawKey(t, other)
	ports := []int{freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)}
	is := func(n int) string { return fmt.Sprint(ports[n]) }
	elsewhere := "https://127.0.0.1:" + is(0)
	s.abroad.run(t, 0, provider{ports[0], elsewhere, other, "k1"}, provider{ports[1], s.abroad.issuer, other, "k1"}, provider{ports[2], s.abroad.issuer, other, "k2"})
	s.abroad.run(t, -2*time.Hour, provider{ports[3], s.abroad.issuer, s.abroad.private, "k1"})
	s.abroad.run(t, 2*time.Hour, provider{ports[4], s.abroad.issuer, s.abroad.private, "k1"})
	s.trust("curve", s.abroad.issuer, "curve:Shop")

	sound := s.abroad.token(t, s.abroad.port(), "pipeline:Shop", exchange)
	public, err := os.ReadFile(s.abroad.certificate)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"another issuer":       s.abroad.token(t, is(0), "pipeline:Shop", exchange),
		"another subject":      s.abroad.token(t, s.abroad.port(), "pipeline:Till", exchange),
		"another case":         s.abroad.token(t, s.abroad.port(), "pipeline:shop", exchange),
		"another audience":     s.abroad.token(t, s.abroad.port(), "pipeline:Shop", "https://vault.azure.net"),
		"another key":          s.abroad.token(t, is(1), "pipeline:Shop", exchange),
		"a key of another id":  s.abroad.token(t, is(2), "pipeline:Shop", exchange),
		"ended":                s.abroad.token(t, is(3), "pipeline:Shop", exchange),
		"not yet begun":        s.abroad.token(t, is(4), "pipeline:Shop", exchange),
		"a curve":              s.abroad.token(t, s.abroad.port(), "curve:Shop", exchange),
		"no signature":         reheaded(t, sound, `{"alg":"none","kid":"k1"}`, func(string) []byte { return nil }),
		"the public as secret": reheaded(t, sound, `{"alg":"HS256","kid":"k1"}`, func(in string) []byte { h := hmac.New(sha256.New, public); h.Write([]byte(in)); return h.Sum(nil) }),
		"cut short":            sound[:len(sound)-8],
	}
	s.says(tokens, map[string]string{
		"another issuer": "AADSTS700211", "another subject": "AADSTS700213", "another case": "AADSTS7002138", "another audience": "AADSTS700212",
		"another key": "AADSTS700027", "a key of another id": "AADSTS7000272", "ended": "AADSTS700024", "not yet begun": "AADSTS700024",
		"a curve": "AADSTS50027", "no signature": "AADSTS50027", "the public as secret": "AADSTS50027", "cut short": "AADSTS50027",
	})
	if got := s.read(map[string]string{"sound": sound}); got["sound"] != greeting {
		t.Error(got) // after all of these
	}
	// An application that does not trust the issuer gets nothing for the same token.
	s.as = s.Lanyard("ad", "app", "create", "--display-name", "other", "--query", "appId", "-o", "tsv")
	s.Lanyard("ad", "sp", "create", "--id", s.as)
	s.says(map[string]string{"for another": sound}, map[string]string{"for another": "AADSTS700211"})
	s.Lanyard("ad", "app", "federated-credential", "create", "--id", s.as, "--parameters",
		fmt.Sprintf(`{"name":"abroad","issuer":%q,"subject":"pipeline:Shop","audiences":[%q]}`, s.abroad.issuer, exchange))
	s.says(map[string]string{"for another": sound}, map[string]string{"for another": "ForbiddenByRbac"})
}

// TK-14: an app that believes to be a pod shows the token that the platform laid there, and the identity
// trusts this world's own issuer as it would another. Nobody fetches that issuer's keys.
func TestAnAppSignsInByWorkloadIdentity(t *testing.T) {
	s := open(t)
	issuer := "https://oidc.lanyard.localhost/" + s.Owner().Tenant + "/"
	run := func() string {
		t.Helper()
		cmd := s.Command("run", "--name", "shop", "--resource-group", "fed", "--user-assigned", "pipeline", "--source", "workload", "--", s.program, "")
		cmd.Env = append(cmd.Env, "VAULT=https://fed-kv.vault.azure.net", "SECRET=greeting")
		o := stage.Run(t, cmd)
		return o.Out + o.Err
	}
	if said := run(); !strings.Contains(said, "AADSTS700211") || !strings.Contains(said, issuer) {
		t.Errorf("an identity that trusts nobody here: %s", said)
	}
	s.trust("workload", issuer, "system:serviceaccount:fed:Shop")
	if said := run(); !strings.Contains(said, "AADSTS7002138") {
		t.Errorf("an identity that trusts another app: %s", said)
	}
	s.Lanyard("identity", "federated-credential", "update", "-n", "workload", "--identity-name", "pipeline", "-g", "fed", "--subject", "system:serviceaccount:fed:shop")
	if said := run(); !strings.Contains(said, greeting) {
		t.Errorf("an identity that trusts the app: %s", said)
	}
}
