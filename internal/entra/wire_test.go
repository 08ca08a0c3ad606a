package entra_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestTranscripts replays wire/*.txtar: lines after ">" are sent, lines after "<" must come back,
// with $CLIENT and $SECRET for those of the application, $DEVICE and $REFRESH for what came back last,
// and «words» for what is never twice the same. "> APPROVE" has the person enter the code that came
// back last. UPDATE=1 writes what comes back.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			w := start(t)
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for n, file := range archive.Files {
				asked, want, _ := strings.Cut(string(file.Data), "\n< ")
				got := w.replay(t, asked)
				if os.Getenv("UPDATE") == "1" {
					archive.Files[n].Data = []byte(asked + "\n" + got)
				} else if want = "< " + want; got != want {
					t.Errorf("%s: got\n%swant\n%s", file.Name, got, want)
				}
			}
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// replay sends what the lines after ">" say and gives the answer as lines after "<".
func (w *world) replay(t *testing.T, asked string) string {
	t.Helper()
	if asked == "> APPROVE" {
		w.approve(t, w.came["user_code"])
		return "< approved\n"
	}
	text := strings.NewReplacer("$CLIENT", string(w.app.Client), "$SECRET", w.secret.Open(),
		"$DEVICE", w.came["device_code"], "$REFRESH", w.came["refresh_token"]).Replace(asked)
	lines := strings.Split(strings.TrimPrefix(strings.ReplaceAll(text, "\n> ", "\n"), "> "), "\n")
	verb, rest, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), verb, login+rest, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) > 1 {
		body := strings.Join(lines[1:], "&")
		r, err = http.NewRequestWithContext(t.Context(), verb, login+rest, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a := w.send(t, r)
	for _, m := range regexp.MustCompile(`"(user_code|device_code|refresh_token)":"([^"]+)"`).FindAllStringSubmatch(a.body, -1) {
		w.came[m[1]] = m[2]
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%d\n", a.status)
	for _, name := range []string{"Allow", "Cache-Control", "Content-Type", "Pragma"} {
		if value := a.header.Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	var body bytes.Buffer
	if err := json.Indent(&body, []byte(a.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	out.Write(body.Bytes())
	return "< " + strings.ReplaceAll(w.mask(out.String()), "\n", "\n< ") + "\n"
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
