package browser

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// tab is a browser with one page open. Whatever it complains of by itself fails the test.
type tab struct {
	context.Context
	t testing.TB

	mu         sync.Mutex
	complaints []string
}

// open starts Chromium in a profile of its own. It knows neither the prepared environment's proxy nor
// the local authority, as a developer's browser does not.
func open(t testing.TB) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		stage.Missing(t, "there is no Chromium on the PATH: install the system's package chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("no-proxy-server", true),
		chromedp.UserDataDir(profile(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	running, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(running)
	ctx, late := context.WithTimeout(ctx, stage.Patience)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && ctx.Err() == nil { // the browser closes by itself
			t.Error(err)
		}
		late()
		leave()
		end()
	})
	b := &tab{Context: ctx, t: t}
	chromedp.ListenTarget(ctx, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Level == log.LevelError {
			text := e.Entry.Text + " " + e.Entry.URL
			if isExpected(text) {
				return
			}
			b.mu.Lock()
			b.complaints = append(b.complaints, text)
			b.mu.Unlock()
		}
	})
	b.do(log.Enable())
	return b
}

// profile gives a folder for the browser's own files. Processes of a browser that has ended may
// write a moment longer, so it is removed until it is gone.
func profile(t testing.TB) string {
	dir, err := os.MkdirTemp("", "lanyard-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(stage.Patience); os.RemoveAll(dir) != nil; <-tick.C {
			if time.Now().After(end) {
				t.Errorf("the browser's folder %s cannot be removed", dir)
				return
			}
		}
	})
	return dir
}

// isExpected holds for what a browser logs of answers that are refusals, as a wrong password is, and
// of the icon that every browser asks for unasked.
func isExpected(text string) bool {
	return strings.Contains(text, "responded with a status of 400") || strings.Contains(text, "favicon")
}

// do runs actions; the page has a minute for all of a test.
func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		b.t.Fatalf("%v; the page says:\n%s", err, b.text())
	}
}

// text gives what a person reads on the page.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b, 5*time.Second)
	defer cancel()
	var text string
	if err := chromedp.Run(ctx, chromedp.Text("body", &text, chromedp.ByQuery)); err != nil {
		return "(nothing: " + err.Error() + ")"
	}
	return text
}

// shows waits for a heading.
func (b *tab) shows(heading string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(`//h1[text()="` + heading + `"]`))
}

// press presses the button of that name, as it is read aloud.
func (b *tab) press(name string) chromedp.Action {
	return chromedp.Click(`//button[normalize-space()="` + name + `"]`)
}

// quiet fails when the browser had something to complain of: a policy that was broken, say.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.complaints {
		b.t.Errorf("the browser complains: %s", text)
	}
}
