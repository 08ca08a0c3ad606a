package console

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const at = "/subscriptions/s/resourceGroups/RG/containerApps/shop/revisions/shop--a/replicas/one/containers/main/logstream"

var (
	shop  = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/shop")
	till  = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/till")
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// world is a door with a console, a ticket for shop, and a clock that is moved.
type world struct {
	*Door
	routes *http.ServeMux
	ticket string
	late   atomic.Int64 // nanoseconds after start
	lines  int
}

func begin(t *testing.T) *world {
	w := &world{Door: &Door{Console: &telemetry.Console{}}, routes: http.NewServeMux()}
	w.Now = func() time.Time { return start.Add(time.Duration(w.late.Load())) }
	w.Routes(w.routes)
	ticket, expires, err := w.Issue(shop)
	if err != nil || !expires.Equal(start.Add(time.Hour)) {
		t.Fatalf("a ticket until %s, %v", expires, err)
	}
	w.ticket = ticket
	t.Cleanup(func() { _ = w.Console.Close() })
	return w
}

func (w *world) says(l telemetry.Line) {
	w.lines++
	l.Time = start.Add(time.Duration(w.lines) * time.Millisecond)
	w.Console.Append(l)
}

func line(text string) telemetry.Line {
	return telemetry.Line{App: shop, Revision: "shop--a", Replica: "one", Container: "main", Stream: "stdout", Text: text}
}

func (w *world) get(ticket, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "https://local.azurecontainerapps.dev"+target, nil)
	r.Header.Set("Authorization", "Bearer "+ticket)
	rec := httptest.NewRecorder()
	w.routes.ServeHTTP(rec, r)
	return rec
}

func TestAStreamHasTheContainersOwnLastLines(t *testing.T) {
	w := begin(t)
	for _, text := range []string{"one", "two", "three"} {
		w.says(line(text))
	}
	for _, change := range []func(*telemetry.Line){
		func(l *telemetry.Line) { l.App = till }, func(l *telemetry.Line) { l.Revision = "shop--b" }, func(l *telemetry.Line) { l.Replica = "two" },
		func(l *telemetry.Line) { l.Container = "side" }, func(l *telemetry.Line) { l.Stream = "system" },
	} {
		other := line("not this")
		change(&other)
		w.says(other)
	}
	for query, want := range map[string]string{
		"":                                      "2026-03-01T12:00:00.0010000Z one\n2026-03-01T12:00:00.0020000Z two\n2026-03-01T12:00:00.0030000Z three\n",
		"?follow=false&output=text&tailLines=1": "2026-03-01T12:00:00.0030000Z three\n",
		"?output=json&tailLines=1":              `{"Log":"three","TimeStamp":"2026-03-01T12:00:00.0030000Z"}` + "\n",
		"?tailLines=0":                          "",
	} {
		if rec := w.get(w.ticket, at+query); rec.Code != 200 || rec.Body.String() != want {
			t.Errorf("%q: %d %q, want %q", query, rec.Code, rec.Body, want)
		}
	}
	for _, query := range []string{"?tailLines=-1", "?tailLines=301", "?tailLines=a", "?output=xml", "?follow=perhaps"} {
		if rec := w.get(w.ticket, at+query); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"InvalidQueryParameterValue"`) {
			t.Errorf("%q: %d %s", query, rec.Code, rec.Body)
		}
	}
}

func TestATicketOpensItsAppsConsoleForAnHour(t *testing.T) {
	w := begin(t)
	other, _, err := w.Issue(till)
	if err != nil {
		t.Fatal(err)
	}
	for claim, ticket := range map[string]string{"none": "", "another app's": other, "none that was issued": w.ticket[1:]} {
		rec := w.get(ticket, at)
		if rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != "Bearer" || !strings.Contains(rec.Body.String(), `"Unauthorized"`) {
			t.Errorf("%s: %d %v %s", claim, rec.Code, rec.Header(), rec.Body)
		}
	}
	if rec := w.get("", strings.Split(at, "/revisions")[0]+"/eventstream"); rec.Code != 401 {
		t.Errorf("events without a ticket: %d", rec.Code)
	}
	if rec := w.get(w.ticket, strings.Split(at, "/revisions")[0]+"/eventstream"); rec.Code != 501 {
		t.Errorf("events: %d", rec.Code)
	}
	if rec := w.get(w.ticket, "/elsewhere"); rec.Code != 404 {
		t.Errorf("elsewhere: %d", rec.Code)
	}
	w.late.Store(int64(time.Hour - 1))
	if rec := w.get(w.ticket, at); rec.Code != 200 {
		t.Errorf("at the end of the hour: %d", rec.Code)
	}
	w.late.Store(int64(time.Hour))
	if rec := w.get(w.ticket, at); rec.Code != 401 {
		t.Errorf("after the hour: %d", rec.Code)
	}
}

func TestTicketsAreBoundedAndForgotten(t *testing.T) {
	w := begin(t)
	for range maxTickets - 1 {
		if _, _, err := w.Issue(shop); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Issue(shop); err == nil {
		t.Error("there is no bound")
	}
	w.late.Store(int64(time.Hour))
	if _, _, err := w.Issue(shop); err != nil || len(w.tickets) != 1 {
		t.Errorf("%d tickets are kept, %v", len(w.tickets), err)
	}
}

func TestAFollowerGetsWhatComes(t *testing.T) {
	w := begin(t)
	ending := make(chan struct{})
	w.Ending = ending
	w.says(line("before"))
	server := httptest.NewServer(w.routes)
	defer server.Close()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+at+"?follow=true&tailLines=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.ticket)
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		if !lines.Scan() {
			return "the end"
		}
		_, text, _ := strings.Cut(lines.Text(), " ")
		return text
	}
	if got := next(); got != "before" {
		t.Errorf("first comes %q", got)
	}
	other := line("not this")
	other.Replica = "two"
	w.says(other)
	w.says(line("after"))
	if got := next(); got != "after" {
		t.Errorf("then comes %q", got)
	}
	close(ending)
	if got := next(); got != "the end" {
		t.Errorf("after the end comes %q", got)
	}
}
