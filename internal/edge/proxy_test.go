package edge

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// say sends raw text to the port and gives the whole answer to it.
func (p *place) say(t *testing.T, text string) (status int, body string, header http.Header) {
	t.Helper()
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return r.StatusCode, read(t, r), r.Header
}

func connectTo(target string) string {
	return fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: %s\r\n\r\n", target, target, basic(proxyUser, proxyPassword))
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestTheProxyServesPreparedCallersOnly(t *testing.T) {
	p := open(t, newEdge(t))
	for name, header := range map[string]string{
		"no credential":          "",
		"a wrong password":       "Proxy-Authorization: " + basic(proxyUser, "guess") + "\r\n",
		"an unknown user":        "Proxy-Authorization: " + basic("other", proxyPassword) + "\r\n",
		"a token":                "Proxy-Authorization: Bearer abc\r\n",
		"a damaged credential":   "Proxy-Authorization: Basic ###\r\n",
		"two credentials":        strings.Repeat("Proxy-Authorization: "+basic(proxyUser, proxyPassword)+"\r\n", 2),
		"a credential elsewhere": "Authorization: " + basic(proxyUser, proxyPassword) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			status, body, h := p.say(t, "CONNECT "+vaultHost+":443 HTTP/1.1\r\nHost: "+vaultHost+":443\r\n"+header+"\r\n")
			if status != 407 || !strings.HasPrefix(h.Get("Proxy-Authenticate"), "Basic ") || !strings.Contains(body, "HTTPS_PROXY") {
				t.Errorf("answered %d %v %q, want 407 with a challenge", status, h, body)
			}
		})
	}
	_, err := p.client(t, url.UserPassword(proxyUser, "guess")).Get("https://" + vaultHost)
	if err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("a client with a wrong password: %v", err)
	}
}

func TestWithoutAdmitNobodyIsAdmitted(t *testing.T) {
	e := newEdge(t)
	e.Admit = nil
	if status, _, _ := open(t, e).say(t, connectTo(vaultHost+":443")); status != 407 {
		t.Errorf("answered %d, want 407", status)
	}
}

func TestANameThatIsServedNeverLeavesTheMachine(t *testing.T) {
	p := open(t, newEdge(t))
	for _, target := range []string{vaultHost + ":80", vaultHost + ":8443", "LOGIN.microsoftonline.com.:22"} {
		status, body, _ := p.say(t, connectTo(target))
		if status != 403 || !strings.Contains(body, "port 443 alone") {
			t.Errorf("CONNECT %s answered %d %q, want 403", target, status, body)
		}
	}
	r, err := p.client(t, good()).Get("https://" + NameFor(vaultHost) + ":4140/")
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, r); !strings.HasPrefix(body, "host="+NameFor(vaultHost)+":4140 ") {
		t.Errorf("a local name on the port's own number was answered %q", body)
	}
}

func TestPlainProxyRequestsAreRefused(t *testing.T) {
	p := open(t, newEdge(t))
	for _, target := range []string{"http://example.org/", "http://169.254.169.254/metadata/identity/oauth2/token", "https://" + vaultHost + "/", "ftp://x/"} {
		status, body, _ := p.say(t, "GET "+target+" HTTP/1.1\r\nHost: example.org\r\nMetadata: true\r\n\r\n")
		if status != 400 || !strings.Contains(body, "unset HTTP_PROXY") {
			t.Errorf("GET %s answered %d %q, want 400", target, status, body)
		}
	}
}

func TestDestinationsThatMakeNoSenseAreRefused(t *testing.T) {
	p := open(t, newEdge(t))
	for _, target := range []string{"/x", "example.org", "example.org:0", "example.org:65536", "example.org:https", ":443", "a_b:443", "exam%70le.org:443"} {
		if status, body, _ := p.say(t, connectTo(target)); status != 400 {
			t.Errorf("CONNECT %s answered %d %q, want 400", target, status, body)
		}
	}
}

func TestBytesSentAheadOfTheTunnelAreNotLost(t *testing.T) {
	e, far := newEdge(t), echo(t)
	e.lookup, e.dial = resolveTo("93.184.215.14"), dialInstead(far, nil)
	p := open(t, e)
	c, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, connectTo("example.org:443")+"early"); err != nil {
		t.Fatal(err)
	}
	all := make([]byte, len(established+"early"))
	if _, err := io.ReadFull(c, all); err != nil || string(all) != established+"early" {
		t.Errorf("got %q, %v", all, err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("after the end of one direction came %q, %v, want the end of the other", rest, err)
	}
}

func TestConnectWithContentIsRefused(t *testing.T) {
	p := open(t, newEdge(t))
	for _, header := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		text := strings.Replace(connectTo(vaultHost+":443"), "\r\n\r\n", "\r\n"+header+"\r\nConnection: close\r\n\r\n0\r\n\r\n", 1)
		if status, body, _ := p.say(t, text); status != 400 {
			t.Errorf("%s: answered %d %q, want 400", header, status, body)
		}
	}
}

func TestTheProxyLogsWhoAndWhereButNoCredential(t *testing.T) {
	var log lockedBuffer
	e := newEdge(t)
	e.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := open(t, e)
	_, _, _ = p.say(t, connectTo("10.0.0.1:443"))
	_, _, _ = p.say(t, strings.Replace(connectTo("10.0.0.1:443"), basic(proxyUser, proxyPassword), basic(proxyUser, "guess"), 1))
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{"host=10.0.0.1:443", "caller=" + proxyUser, "status=403", "status=407", "door=edge"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	for _, secret := range []string{proxyPassword, "guess", strings.TrimPrefix(basic(proxyUser, proxyPassword), "Basic ")} {
		if strings.Contains(text, secret) {
			t.Errorf("the log gives a credential away:\n%s", text)
		}
	}
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}
