package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"lanyard/test/clients/stage"
)

// wrong brings the page into the state that holds most: a name, a password, a refusal.
func (b *tab) wrong(at string) {
	b.t.Helper()
	b.do(chromedp.Navigate(at))
	b.shows("Sign in")
	b.do(chromedp.SendKeys("#name", "owner@lanyard.localhost"), chromedp.SendKeys("#password", "wrong"), b.press("Sign in"))
	b.do(chromedp.WaitVisible(`//p[@role="alert"]`))
}

func TestThePageFitsANarrowScreenInLightAndDark(t *testing.T) {
	s := stage.Start(t)
	at := errand(t, prepared(t, s), "http://localhost:1", "query")
	grounds := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		b := open(t)
		feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
		b.do(emulation.SetDeviceMetricsOverride(320, 480, 1, true), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{feature}))
		b.wrong(at)
		var width float64
		var ground string
		var small []string
		b.do(chromedp.Evaluate(`document.documentElement.scrollWidth`, &width),
			chromedp.Evaluate(`getComputedStyle(document.querySelector("main")).backgroundColor`, &ground),
			// WCAG 2.2 success criterion 2.5.8: what is pressed is 24 pixels high at least.
			chromedp.Evaluate(`[...document.querySelectorAll("button, input:not([type=hidden])")].filter(e => e.getBoundingClientRect().height < 24).map(e => e.name)`, &small))
		if width > 320 {
			t.Errorf("%s: the page is %v pixels wide on a screen of 320", scheme, width)
		}
		if len(small) > 0 {
			t.Errorf("%s: too small to press: %v", scheme, small)
		}
		for _, element := range []string{"h1", ".wrong", "label", "button.main", "#name"} {
			var ratio float64
			b.do(chromedp.Evaluate(fmt.Sprintf(contrast, element), &ratio))
			if ratio < 4.5 { // WCAG 2.2 success criterion 1.4.3
				t.Errorf("%s: the contrast of %s is %.1f, less than 4.5", scheme, element, ratio)
			}
		}
		grounds[scheme] = ground
		b.quiet()
	}
	if grounds["light"] == grounds["dark"] {
		t.Errorf("dark is as light: %v", grounds)
	}
}

// contrast works out the contrast ratio of an element's text (WCAG 2.2: relative luminance).
const contrast = `(() => {
  const e = document.querySelector(%q);
  const rgb = c => c.match(/[\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let under = e;
  while (rgb(getComputedStyle(under).backgroundColor)[3] === 0) under = under.parentElement;
  const a = light(rgb(getComputedStyle(e).color)), b = light(rgb(getComputedStyle(under).backgroundColor));
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
})()`

// aloud gives role and name of everything that a screen reader would come across. What of it this
// library does not know yet, since it is newer than the library, is passed over.
func (b *tab) aloud() (said []string) {
	b.t.Helper()
	type value struct {
		Value any `json:"value"`
	}
	var tree struct {
		Nodes []struct {
			Ignored bool  `json:"ignored"`
			Role    value `json:"role"`
			Name    value `json:"name"`
		} `json:"nodes"`
	}
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, "Accessibility.getFullAXTree", nil, &tree)
	}))
	for _, n := range tree.Nodes {
		if !n.Ignored {
			said = append(said, fmt.Sprint(n.Role.Value, " ", n.Name.Value))
		}
	}
	return said
}

// Chromium itself works out what a screen reader would say.
func TestThePageReadsWellAloud(t *testing.T) {
	s, b := stage.Start(t), open(t)
	b.wrong(errand(t, prepared(t, s), "http://localhost:1", "query"))
	said := b.aloud()
	for _, want := range []string{"heading Sign in", "textbox Name", "textbox Password", "button Sign in", "button Cancel"} {
		if !slices.Contains(said, want) {
			t.Errorf("nothing is read aloud as %q, only %q", want, said)
		}
	}
	if !slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, "alert") }) {
		t.Errorf("the refusal is not read aloud by itself: %q", said)
	}
	var focused string
	b.do(chromedp.Evaluate(`document.activeElement.id`, &focused))
	if focused != "password" {
		t.Errorf("the cursor is in %q, not in the password", focused)
	}
	b.quiet()
}
