package entra_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"lanyard/internal/httpkit/wiretest"
)

// TestTranscripts replays wire/*.txtar with $CLIENT and $SECRET for those of the application, $DEVICE and
// $REFRESH for what came back last. "> APPROVE" has the person enter the code that came back last.
func TestTranscripts(t *testing.T) {
	wiretest.Replay(t, func(t *testing.T) func(string, string) string {
		w := start(t)
		return func(_, asked string) string { return w.replay(t, asked) }
	})
}

// replay sends a request, a line for each of its parameters below the first, and gives the answer.
func (w *world) replay(t *testing.T, asked string) string {
	t.Helper()
	if asked == "APPROVE" {
		w.approve(t, w.came["user_code"])
		return "approved"
	}
	text := strings.NewReplacer("$CLIENT", string(w.app.Client), "$SECRET", w.secret.Open(),
		"$DEVICE", w.came["device_code"], "$REFRESH", w.came["refresh_token"]).Replace(asked)
	line, body, form := strings.Cut(text, "\n")
	verb, rest, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), verb, login+rest, strings.NewReader(strings.ReplaceAll(body, "\n", "&")))
	if err != nil {
		t.Fatal(err)
	}
	if form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a := w.send(t, r)
	for _, m := range regexp.MustCompile(`"(user_code|device_code|refresh_token)":"([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
		w.came[m[1]] = m[2]
	}
	return w.mask(wiretest.Answer(t, a.status, a.header, []string{"Allow", "Cache-Control", "Content-Type", "Pragma"}, []byte(a.body)))
}

func (w *world) mask(text string) string {
	text = strings.ReplaceAll(text, string(w.app.Client), "$CLIENT")
	text = strings.ReplaceAll(text, w.now().UTC().Format("2006-01-02 15:04:05Z"), "«time»")
	for pattern, word := range map[string]string{
		`eyJ[\w-]+\.[\w-]+\.[\w-]+`:                               "«token»",
		`"eyJ[\w-]+"`:                                             `"«base64url»"`,
		`("refresh_token": ")[\w.-]+`:                             `$1«token»`,
		`("(user_code|device_code)": ")[\w-]+`:                    `$1«code»`,
		`enter the code [A-Z]{9}`:                                 "enter the code «code»",
		`(_id": "|ID: )[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`: "$1«guid»",
		`("(n|kid|x5t)": ")[\w-]+`:                                `$1«base64url»`,
		`"MII[\w+/=]+`:                                            `"«certificate»`,
		`("(expires_on|not_before)": ")\d+`:                       `$1«seconds»`,
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	return text
}
