package httpkit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// speak spells a fault for tests.
func speak(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
	w.WriteHeader(f.Kind.Status())
	_, _ = io.WriteString(w, f.Public)
}

// book is a log that tests read.
type book struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// site is a server with one handler behind a door.
type site struct {
	*httptest.Server
	busy sync.WaitGroup
}

func served(t *testing.T, h Handler) (*site, *book) {
	t.Helper()
	log, s := &book{}, &site{}
	door := Door{Name: "test", Speak: speak, Log: slog.New(slog.NewTextHandler(log, nil)), MaxBody: 8}.Serve(h)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.Add(1)
		defer s.busy.Done()
		door.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s, log
}

// ask writes bytes to a site and gives all that comes back, once the event is written.
func ask(t *testing.T, s *site, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, text)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	s.busy.Wait()
	return string(answer)
}

func TestAConnectionThatIsHandedOverIsLoggedWithItsStatus(t *testing.T) {
	for request, status := range map[string]string{
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n":                              "status=200",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n": "status=101",
	} {
		s, log := served(t, func(w http.ResponseWriter, _ *http.Request) error {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return err
			}
			_, _ = io.WriteString(c, "own words")
			_ = c.Close()
			return errors.New("broke later")
		})
		if got := ask(t, s, request); got != "own words" {
			t.Errorf("the connection carried %q: something spoke on what was handed over", got)
		}
		if !strings.Contains(log.String(), status) {
			t.Errorf("the log lacks %s: %s", status, log)
		}
	}
}

func TestStatusesOfAnswersAreLogged(t *testing.T) {
	for name, c := range map[string]struct {
		handler Handler
		want    string
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) error { return nil }, "status=200"},
		"a body alone":    {func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, "x"); return err }, "status=200"},
		"a flush alone":   {func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() }, "status=200"},
		"the old flusher": {func(w http.ResponseWriter, _ *http.Request) error { w.(http.Flusher).Flush(); return nil }, "status=200"},
		"an announcement": {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(103); w.WriteHeader(204); return nil }, "status=204"},
		"a fault":         {func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Conflict, "C", "No.") }, "status=409"},
		"a panic":         {func(http.ResponseWriter, *http.Request) error { panic("oh") }, "status=500"},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := served(t, c.handler)
			ask(t, s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if !strings.Contains(log.String(), c.want+" ") {
				t.Errorf("the log lacks %s: %s", c.want, log)
			}
		})
	}
}

func TestAnAnswerThatBreaksHalfWayIsCutOff(t *testing.T) {
	s, log := served(t, func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("oh")
	})
	got := ask(t, s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if !strings.Contains(got, "half") || strings.HasSuffix(got, "0\r\n\r\n") || strings.Contains(got, "Something went wrong") {
		t.Errorf("a client takes this for whole: %q", got)
	}
	if !strings.Contains(log.String(), "internal fault") || !strings.Contains(log.String(), "msg=request") {
		t.Errorf("the log is %s", log)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s, _ := served(t, func(w http.ResponseWriter, r *http.Request) error {
		b, err := ReadBody(r)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	})
	for body, want := range map[string]int{"12345678": 200, "123456789": 413, "": 200} {
		answer, err := http.Post(s.URL, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("a body of %d bytes is answered %d, want %d", len(body), answer.StatusCode, want)
		}
	}
}

func TestTheCorrelationIsOneForTheWholeRequest(t *testing.T) {
	const given = "11111111-2222-3333-4444-555555555555"
	for header, want := range map[string]string{given: given, "not one": "", "": ""} {
		s, log := served(t, func(w http.ResponseWriter, r *http.Request) error {
			ctx, cancel := context.WithCancel(r.Context()) // also through contexts made of the request's
			defer cancel()
			first := Correlation(ctx)
			if !cloud.IsGUID(first) || Correlation(r.Context()) != first {
				t.Errorf("correlations %q and %q", first, Correlation(r.Context()))
			}
			_, err := io.WriteString(w, first)
			return err
		})
		got := ask(t, s, "GET / HTTP/1.1\r\nHost: a\r\nx-ms-correlation-request-id: "+header+"\r\nConnection: close\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := io.ReadAll(answer.Body)
		if want != "" && string(id) != want || !strings.Contains(log.String(), "correlation="+string(id)) {
			t.Errorf("header %q gives %s, and the log %s", header, id, log)
		}
	}
}

func TestFactsAreLoggedOnceAndOnlyWhenSomebodyReads(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) error {
		for range 3 * room {
			Note(r.Context(), KeyAction, "act")
		}
		w.WriteHeader(204)
		return nil
	}
	s, log := served(t, handler)
	ask(t, s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if n := strings.Count(log.String(), "action=act"); n != 3*room {
		t.Errorf("%d facts logged", n)
	}
	quiet := Door{Speak: speak}.Serve(func(w http.ResponseWriter, r *http.Request) error {
		Note(r.Context(), KeyAction, "act")
		return nil
	})
	request, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	request.Body = http.NoBody
	if n := testing.AllocsPerRun(100, func() { quiet.ServeHTTP(w, request) }); n > 2 { // the visit, and the request with its context
		t.Errorf("a request that nobody logs costs %v allocations, want 2", n)
	}
	if Correlation(t.Context()) != "" {
		t.Error("outside a door there is a correlation")
	}
}
