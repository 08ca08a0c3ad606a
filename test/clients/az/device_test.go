package az

import (
	"bufio"
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLoginByDeviceCode(t *testing.T) {
	t.Parallel()
	az := open(t)
	row(t, "login --use-device-code", func(t *testing.T) {
		wait := az.deviceLogin(t, func(p *page) {
			p.post("name", az.owner.SignIn, "password", "wrong", "answer", "yes").shows("Sign in")
			p.post("name", az.owner.SignIn, "password", az.owner.Password, "answer", "yes").shows("Continue?")
			p.post("answer", "yes").shows("You have signed in")
		})
		wait.is("0.id", az.owner.Subscription).is("0.user.name", az.owner.SignIn).is("0.user.type", "user")
		az.run(t, "group create -n shop -l local").is("systemData.createdByType", "User").is("systemData.createdBy", az.owner.SignIn)
	})
	row(t, "account get-access-token of a person", func(t *testing.T) {
		a := az.run(t, "account get-access-token --resource https://vault.azure.net")
		claims(t, a.text("accessToken")).is("aud", "https://vault.azure.net").is("upn", az.owner.SignIn).is("scp", "user_impersonation")
	})
	row(t, "ad signed-in-user show", func(t *testing.T) {
		az.run(t, "ad signed-in-user show").is("userPrincipalName", az.owner.SignIn)
	})
	t.Run("declined", func(t *testing.T) {
		declined := az.other(t)
		declined.deviceLogin(t, func(p *page) {
			p.post("answer", "no").shows("You have not signed in")
		}).refused(1, "AADSTS")
		declined.run(t, "account show").refused(1, "az login")
	})
}

var invitation = regexp.MustCompile(`open the page (\S+) and enter the code (\S+) to authenticate`)

// deviceLogin runs az login, enters the code that it shows, and leaves the rest of the page to a
// person.
func (az *shell) deviceLogin(t *testing.T, person func(*page)) *answer {
	t.Helper()
	cmd := az.Client(az.variables(), az.path, "login", "--use-device-code", "--tenant", az.owner.Tenant)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &answer{t: t, command: "az login --use-device-code"}
	invited := false
	for lines := bufio.NewScanner(said); lines.Scan(); {
		a.outcome.Err += lines.Text() + "\n"
		if found := invitation.FindStringSubmatch(lines.Text()); found != nil && !invited {
			invited = true
			p := visit(t, found[1])
			p.post("code", found[2]).shows("to continue to")
			person(p)
		}
	}
	_ = cmd.Wait() // its status is for the caller to judge
	a.outcome.Out, a.outcome.Code = out.String(), cmd.ProcessState.ExitCode()
	if !invited {
		t.Fatalf("%s invited nobody:\n%s", a.command, a.outcome.Err)
	}
	return a
}

// page is a form in a browser that has no scripts.
type page struct {
	t      *testing.T
	url    string
	client *http.Client
	text   string
}

// visit opens a page on this machine: names under localhost are the loopback (RFC 6761 section 6.3).
func visit(t *testing.T, at string) *page {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil || !strings.HasSuffix(host, ".localhost") {
			return nil, fmt.Errorf("%s is not on this machine", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	p := &page{t: t, url: at, client: &http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}}
	p.take(p.client.Get(at))
	return p
}

func (p *page) take(resp *http.Response, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.text = string(text)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// post sends the page's form with the fields given by name and value.
func (p *page) post(fields ...string) *page {
	p.t.Helper()
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(p.text, -1) {
		form.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	at, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", at.Scheme+"://"+at.Host)
	p.take(p.client.Do(req))
	return p
}

func (p *page) shows(text string) {
	p.t.Helper()
	if !strings.Contains(html.UnescapeString(p.text), text) {
		p.t.Errorf("the page does not show %q but\n%s", text, p.text)
	}
}
