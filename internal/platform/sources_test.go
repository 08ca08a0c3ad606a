package platform

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/host"
)

// attachment is a replica whose process is this one.
type attachment struct {
	Attached
	env    map[string]string
	detach func() // and waits until that is done
}

// tryAttach asks to run as an app, as lanyard run does, and gives the status and text of a refusal.
func (h *household) tryAttach(t *testing.T, app string, as Attaching) (a attachment, status int, text string) {
	t.Helper()
	body, err := json.Marshal(as)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", "https://management.azure.com"+h.appID(app)+"/attach?api-version=2024-03-01", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token(t, "https://management.azure.com"))
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.visitor(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(answer.Body).ReadString('\n')
	if answer.StatusCode != 200 {
		cancel()
		return a, answer.StatusCode, line
	}
	if err := json.Unmarshal([]byte(line), &a.Attached); err != nil {
		t.Fatal(err)
	}
	a.env = map[string]string{}
	for _, v := range a.Environment {
		name, value, _ := strings.Cut(v, "=")
		a.env[name] = value
	}
	a.detach = func() {
		cancel()
		answer.Body.Close()
		waitUntil(t, "the replica is no more", func() bool { _, lives := h.host.Replica(a.Replica); return !lives })
	}
	t.Cleanup(a.detach)
	return a, answer.StatusCode, ""
}

func (h *household) attachAs(t *testing.T, app string, as Attaching) attachment {
	t.Helper()
	a, status, text := h.tryAttach(t, app, as)
	if status != 200 {
		t.Fatalf("attaching as %+v is answered %d %s", as, status, text)
	}
	return a
}

// waitUntil waits for something to be so.
func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	last := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-last:
			t.Fatalf("it does not come to it that %s", what)
		}
	}
}

// endpointNames are all variables by which SDKs look for a token.
var endpointNames = []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
	"AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "DEFAULT_IDENTITY_CLIENT_ID", "APPSETTING_WEBSITE_SITE_NAME"}

func TestEachSourceHasItsVariablesAndNoOthers(t *testing.T) {
	h := newHousehold(t)
	at := "http://" + h.Address() + "/r/"
	for source, want := range map[host.Source]map[string]string{
		"":                          {"IDENTITY_ENDPOINT": at + "NAME/msi/token", "IDENTITY_HEADER": "HEADER", "MSI_ENDPOINT": at + "NAME/msi/token", "MSI_SECRET": "HEADER"},
		host.SourceAppService2017:   {"MSI_ENDPOINT": at + "NAME/msi/token", "MSI_SECRET": "HEADER", "DEFAULT_IDENTITY_CLIENT_ID": string(h.billing.Client), "APPSETTING_WEBSITE_SITE_NAME": "shop"},
		host.SourceIMDS:             {"AZURE_POD_IDENTITY_AUTHORITY_HOST": at + "WAY"},
		host.SourceWorkload:         {"AZURE_FEDERATED_TOKEN_FILE": "FILE", "AZURE_CLIENT_ID": string(h.billing.Client), "AZURE_TENANT_ID": string(h.deed.Tenant), "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/"},
		host.SourceArc:              {"IDENTITY_ENDPOINT": at + "WAY/metadata/identity/oauth2/token", "IMDS_ENDPOINT": at + "WAY"},
		"app-service, but disabled": {},
	} {
		as := Attaching{Source: source}
		if disabled, ok := strings.CutSuffix(string(source), ", but disabled"); ok {
			as = Attaching{Source: host.Source(disabled), MSIDisabled: true}
		}
		if err := h.keyFiles.Open(); source == host.SourceArc && err != nil {
			if _, status, text := h.tryAttach(t, "shop", as); status != 409 || !strings.Contains(text, "SourceNotAvailable") {
				t.Errorf("where Arc cannot be had it is answered %d %s", status, text)
			}
			continue
		}
		a := h.attachAs(t, "shop", as)
		r, _ := h.host.Replica(a.Replica)
		known := strings.NewReplacer("NAME", r.Name, "WAY", r.Way.Open(), "HEADER", r.Header.Open(), "FILE", a.env["AZURE_FEDERATED_TOKEN_FILE"])
		for _, name := range endpointNames {
			value, there := a.env[name]
			if wanted, should := want[name]; there != should || value != known.Replace(wanted) {
				t.Errorf("%q: %s is %q, want %q", source, name, value, wanted)
			}
		}
		if a.env["CONTAINER_APP_NAME"] != "shop" || !strings.Contains(a.env["NO_PROXY"], "169.254.169.254") {
			t.Errorf("%q: the rest is %v", source, a.env)
		}
		a.detach()
	}
}

func TestWhatNobodyCanAttachAsIsRefused(t *testing.T) {
	h := newHousehold(t)
	for claim, as := range map[string]Attaching{
		"a source that is none":                {Source: "service-fabric"},
		"a container that is none":             {Container: "sidecar"},
		"a client id for an endpoint's source": {Client: "11111111-1111-4111-8111-111111111111"},
	} {
		if _, status, text := h.tryAttach(t, "shop", as); status != 400 {
			t.Errorf("%s is answered %d %s", claim, status, text)
		}
	}
	h.describe(t, "bare", `{"type":"SystemAssigned"}`)
	if _, status, text := h.tryAttach(t, "bare", Attaching{Source: host.SourceWorkload}); status != 409 || !strings.Contains(text, "NoUserAssignedIdentity") {
		t.Errorf("a workload without an identity is answered %d %s", status, text)
	}
}

// TestAWorkloadsTokenIsKeptFresh also looks at who can read it, and that it goes with the replica.
func TestAWorkloadsTokenIsKeptFresh(t *testing.T) {
	h := newHousehold(t)
	a := h.attachAs(t, "shop", Attaching{Source: host.SourceWorkload, Client: "11111111-1111-4111-8111-111111111111"})
	file := a.env["AZURE_FEDERATED_TOKEN_FILE"]
	read := func() string { text, _ := os.ReadFile(file); return string(text) }
	first := read()
	if strings.Count(first, ".") != 2 || a.env["AZURE_CLIENT_ID"] != "11111111-1111-4111-8111-111111111111" {
		t.Fatalf("the file holds %q, and speaks for %s", first, a.env["AZURE_CLIENT_ID"])
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
			if s, err := os.Stat(path); err != nil || s.Mode() != want {
				t.Errorf("%s is %v, %v", path, s.Mode(), err)
			}
		}
	}
	h.order(t, "/clock/advance", `{"by":"50m"}`)
	waitUntil(t, "the token is another", func() bool { return read() != first && read() != "" })
	a.detach()
	waitUntil(t, "the folder is gone", func() bool { _, err := os.Stat(filepath.Dir(file)); return os.IsNotExist(err) })
}

// TestAnIdentityIsOpenToItsContainersAlone is ID-13, and ID-7 for lifecycles: they change for what runs.
func TestAnIdentityIsOpenToItsContainersAlone(t *testing.T) {
	h := newHousehold(t)
	containers := map[string]attachment{"main": h.attachAs(t, "shop", Attaching{Container: "main"}), "init": h.attachAs(t, "shop", Attaching{Container: "init"})}
	for lifecycle, open := range map[string][]string{"all": {"init", "main"}, "Init": {"init"}, "Main": {"main"}, "None": nil} {
		h.put(t, h.appID("shop"), "2024-03-01", fmt.Sprintf(`{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{%q:{}}},"properties":{"environmentId":%q,
			"configuration":{"identitySettings":[{"identity":%q,"lifecycle":%q}]},
			"template":{"containers":[{"name":"main","image":"local/attached","command":["true"]}],"scale":{"minReplicas":0}}}}`,
			h.identity(), h.group()+"/providers/Microsoft.App/managedEnvironments/env", strings.ToUpper(h.identity()), lifecycle))
		for name, c := range containers {
			answer, body := h.visit(t, "GET", c.env["IDENTITY_ENDPOINT"]+"?api-version=2019-08-01&resource=https://vault.azure.net&client_id="+string(h.billing.Client),
				"X-IDENTITY-HEADER", c.env["IDENTITY_HEADER"])
			want := 400
			if slices.Contains(open, name) {
				want = 200
			}
			if answer.StatusCode != want {
				t.Errorf("under lifecycle %s the %s container is answered %d %s, want %d", lifecycle, name, answer.StatusCode, body, want)
			}
		}
	}
}

// TestADisabledTokenServiceLeavesTheIdentity is TK-7: the app shows its identity, and gets no token.
func TestADisabledTokenServiceLeavesTheIdentity(t *testing.T) {
	h := newHousehold(t)
	a := h.attachAs(t, "shop", Attaching{MSIDisabled: true})
	r, _ := h.host.Replica(a.Replica)
	answer, body := h.visit(t, "GET", "http://"+h.Address()+path(r)+"&client_id="+string(h.billing.Client), "X-IDENTITY-HEADER", r.Header.Open())
	if answer.StatusCode < 400 || strings.Contains(body, "access_token") {
		t.Errorf("a token is answered %d %s", answer.StatusCode, body)
	}
	_, shown := h.send(t, "GET", "https://management.azure.com"+h.appID("shop")+"?api-version=2024-03-01", h.token(t, "https://management.azure.com"), "")
	if !strings.Contains(shown, string(h.billing.Client)) || len(r.Identities()) != 1 {
		t.Errorf("the app is shown as %s", shown)
	}
}
