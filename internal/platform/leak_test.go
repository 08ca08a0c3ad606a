package platform

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
)

// heap is a writer that keeps all it is given.
type heap struct {
	mu   sync.Mutex
	text strings.Builder
}

func (h *heap) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heap) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// errand is one request of the tour that TestNoSecretLeaks makes.
type errand struct {
	method, url, body string
	headers           []string
	fine              bool // it succeeds, and may answer with what was asked for
}

const (
	secretValue = "value-of-a-secret-8d1f"
	wrongValue  = "value-that-was-refused-77aa"
)

// tour uses every kind of secret there is, rightly and wrongly.
func (s *stage) tour(t *testing.T, known map[string]string) []errand {
	t.Helper()
	manage, vaults, graph := "Bearer "+known["management token"], "Bearer "+known["vault token"], "Bearer "+known["directory token"]
	bearer := func(token string) []string {
		return []string{"Authorization", token, "Content-Type", "application/json"}
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	grant := func(client, secret string) string {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret}, "scope": {"https://vault.azure.net/.default"}}.Encode()
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(string(s.owner.Client)+":"+s.owner.Secret))
	signIn, kv := "https://"+cloud.Azure.Authority+"/"+string(s.deed.Tenant)+"/oauth2", "https://stage-kv.vault.azure.net"
	r := s.host.Replicas(s.app)[0]
	endpoint, header := "http://"+s.Address()+path(r), known["identity header"]
	return []errand{
		{"GET", endpoint, "", []string{"X-IDENTITY-HEADER", header}, true},
		{"GET", endpoint + "&resource=x", "", []string{"X-IDENTITY-HEADER", header}, false},
		{"GET", endpoint + "&X-IDENTITY-HEADER=" + header, "", nil, false},
		{"GET", endpoint, "", []string{"X-IDENTITY-HEADER", header, "Via", header}, false},
		{"POST", endpoint, header, []string{"X-IDENTITY-HEADER", header}, false},
		{"POST", signIn + "/v2.0/token", grant(string(s.owner.Client), s.owner.Secret), form, true},
		{"POST", signIn + "/v2.0/token", grant("11111111-1111-4111-8111-111111111111", s.owner.Secret), form, false},
		{"POST", signIn + "/v2.0/token", grant(string(s.owner.Client), s.owner.Secret+"x"), form, false},
		{"POST", signIn + "/token", strings.Replace(grant(string(s.owner.Client), s.owner.Secret), "grant_type", "grant", 1), form, false},
		{"POST", signIn + "/v2.0/token", grant(string(s.owner.Client), s.owner.Secret), append(form, "Authorization", basic), false},
		{"GET", signIn + "/v2.0/token?" + grant(string(s.owner.Client), s.owner.Secret), "", nil, false},
		{"POST", signIn + "/v2.0/token", url.Values{"grant_type": {"password"}, "username": {s.owner.SignIn}, "password": {s.owner.Password},
			"client_id": {string(s.owner.Client)}, "scope": {"https://vault.azure.net/.default"}}.Encode(), form, false},
		{"PUT", kv + "/secrets/db?api-version=7.4", `{"value":"` + secretValue + `"}`, bearer(vaults), true},
		{"GET", kv + "/secrets/db?api-version=7.4", "", bearer(vaults), true},
		{"PUT", kv + "/secrets/db?api-version=7.4", `{"value":"` + wrongValue + `",}`, bearer(vaults), false},
		{"PUT", kv + "/secrets/db?api-version=7.4", `{"value":["` + wrongValue + `"]}`, bearer(vaults), false},
		{"PUT", kv + "/secrets/b_d?api-version=7.4", `{"value":"` + wrongValue + `"}`, bearer(vaults), false},
		{"PUT", kv + "/secrets/db?api-version=7.4", `{"value":"` + wrongValue + `"}`, bearer(manage), false},
		{"GET", "https://management.azure.com/subscriptions?api-version=2022-12-01", "", bearer(vaults), false},
		{"GET", "https://management.azure.com/subscriptions?api-version=2022-12-01", "", bearer(manage + "x"), false},
		{"PUT", "https://management.azure.com" + s.scope().String() + "/resourceGroups/x?api-version=2022-09-01", `{"location":"` + wrongValue, bearer(manage), false},
		{"GET", "https://" + ControlHost + "/status", "", bearer(manage), true},
		{"GET", "https://" + ControlHost + "/keys", "", bearer(manage), true},
		{"GET", "https://" + ControlHost + "/status", "", bearer(vaults), false},
		{"POST", "https://graph.microsoft.com/v1.0/applications", `{"displayName":"leaky"}`, bearer(graph), true},
		{"POST", "https://graph.microsoft.com/v1.0/applications", `{"displayName":`, bearer(graph), false},
		{"GET", "https://graph.microsoft.com/v1.0/me", "", bearer(graph[:len(graph)-1]), false},
	}
}

// run does an errand and gives its answer.
func (s *stage) run(t *testing.T, e errand) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), e.method, e.url, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(e.headers); i += 2 {
		r.Header.Set(e.headers[i], e.headers[i+1])
	}
	answer, err := s.visitor(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestNoSecretLeaks is T8: with every kind of secret in use, rightly and wrongly, none stands in the log
// at its most talkative, in what is refused, on the console, or in the state folder but for the two
// files that are there to hold one.
func TestNoSecretLeaks(t *testing.T) {
	var log, console heap
	s := newStage(t, func(c *Config) {
		c.Ephemeral = false
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
		c.Output = func(l Line) { _, _ = io.WriteString(&console, l.Text+"\n") }
	})
	r := s.replica(t, s.app)
	host := s.newVault(t, "stage-kv")
	s.put(t, s.scope().String()+"/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/"+strings.Split(host, ".")[0]+
		"/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555", "2022-04-01",
		`{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/b86a8fe4-44ce-4948-aee5-eccb2c155cd7","principalId":"`+string(s.owner.Principal)+`","principalType":"ServicePrincipal"}}`)
	_, body := s.fetch(t, r)
	var own struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &own); err != nil {
		t.Fatal(err)
	}
	known := map[string]string{
		"identity header": r.Header.Open(), "proxy password": r.Proxy.Open(), "owner's proxy password": s.place.Password,
		"owner's secret": s.owner.Secret, "owner's password": s.owner.Password, "replica's token": own.Token,
		"management token": s.token(t, "https://management.azure.com"), "vault token": s.token(t, "https://vault.azure.net"),
		"directory token": s.token(t, "https://graph.microsoft.com"), "secret": secretValue, "refused secret": wrongValue,
	}
	for _, credential := range []string{r.Name + ":" + known["proxy password"], "x:" + known["proxy password"], "owner:" + known["owner's proxy password"] + "x"} {
		s.connect(t, credential)
	}
	refused := ""
	for _, e := range s.tour(t, known) {
		status, body := s.run(t, e)
		if e.fine != (status < 300) {
			t.Errorf("%s %s is answered %d %s", e.method, e.url, status, body)
		}
		if !e.fine {
			refused += body + "\n"
		}
	}
	if !strings.Contains(log.String(), `"msg":"request"`) || len(refused) < 1000 {
		t.Fatal("the log and the refusals hold nothing: the search would find nothing")
	}
	for name, secret := range known {
		if secret == "" {
			t.Errorf("the %s is not known to the test", name)
			continue
		}
		for place, text := range map[string]string{"the log": log.String(), "a refusal": refused, "the console": console.String()} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s holds the %s: %s", place, name, text[max(0, at-200):at])
			}
		}
	}
	s.search(t, known)
}

// search looks through the state folder.
func (s *stage) search(t *testing.T, known map[string]string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(s.config.State, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		files++
		for name, secret := range known {
			meant := strings.HasPrefix(name, "owner's") && (d.Name() == "owner.json" || d.Name() == "seat.json")
			if !meant && strings.Contains(string(text), secret) {
				t.Errorf("%s holds the %s", at, name)
			}
		}
		if strings.Contains(string(text), "PRIVATE KEY") {
			t.Errorf("%s holds a private key", at)
		}
		return nil
	})
	if err != nil || files < 5 {
		t.Errorf("%d files searched, %v", files, err)
	}
}
