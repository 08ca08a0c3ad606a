package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	seen := 0
	walk = func(cmd *cobra.Command) {
		seen++
		if cmd.Short == "" {
			t.Errorf("%s does not say what it does", cmd.CommandPath())
		}
		if !strings.Contains(cmd.Example, "lanyard ") {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(newRoot(stdio{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}}))
	if seen < 50 {
		t.Errorf("only %d commands were seen", seen)
	}
}

// The forms are az's: tsv is a line a row, a table has a column for each scalar.
func TestPrint(t *testing.T) {
	rows := []map[string]any{{"name": "a", "count": 1, "deep": map[string]any{"x": true}}, {"name": "b", "count": 2}}
	for name, c := range map[string]struct{ output, query, want string }{
		"json is indented":                        {"json", "[0].deep", "{\n  \"x\": true\n}\n"},
		"a query picks before printing":           {"tsv", "[].name", "a\nb\n"},
		"tsv puts a list of lists in columns":     {"tsv", "[].[name, count]", "a\t1\nb\t2\n"},
		"tsv prints a scalar bare":                {"tsv", "[1].count", "2\n"},
		"yaml keeps the order of names":           {"yaml", "[1]", "count: 2\nname: b\n"},
		"a table leaves nested values out":        {"table", "", "Name  Count\na     1\nb     2\n"},
		"a table of nothing is nothing":           {"table", "[?name=='c']", ""},
		"none prints nothing":                     {"none", "", ""},
		"nothing found prints nothing as json":    {"json", "nowhere", ""},
		"nothing found is an empty line as tsv":   {"tsv", "nowhere", "\n"},
		"a query for a boolean prints true as az": {"tsv", "[0].deep.x", "true\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{std: stdio{out: &out}, output: c.output, query: c.query}
			if err := a.print(rows); err != nil || out.String() != c.want {
				t.Errorf("printed %q, %v; want %q", out.String(), err, c.want)
			}
		})
	}
}

func TestOverlayLeavesNoForeignIdentity(t *testing.T) {
	got := overlay([]string{"HOME=/h", "AZURE_CLIENT_SECRET=s", "HTTP_PROXY=p", "IDENTITY_HEADER=old", "MSI_SECRET=old", "A=1=2"}, []string{"IDENTITY_HEADER=new"})
	if want := "HOME=/h A=1=2 IDENTITY_HEADER=new"; strings.Join(got, " ") != want {
		t.Errorf("the environment is %q, want %q", got, want)
	}
}

func TestShellQuoteIsReadBackByAShell(t *testing.T) {
	if got := shellQuote(`A=it's $HOME`); got != `A='it'\''s $HOME'` {
		t.Errorf("quoted as %s", got)
	}
}

func TestRefusalReadsEveryDialect(t *testing.T) {
	for name, c := range map[string]struct{ body, text, hint string }{
		"management": {`{"error":{"code":"AuthorizationFailed","message":"no","additionalInfo":[{"type":"LanyardHint","info":{"try":"lanyard x"}}]}}`, "AuthorizationFailed: no", "lanyard x"},
		"sign-in":    {`{"error":"invalid_client","error_description":"AADSTS7000215: wrong"}`, "AADSTS7000215: wrong", ""},
		"neither":    {`plain`, "the platform answered 500: plain", ""},
	} {
		err := refusal(500, []byte(c.body))
		h, _ := err.(hinted)
		if err.Error() != c.text || h.hint != c.hint {
			t.Errorf("%s reads %q with hint %q, want %q with %q", name, err, h.hint, c.text, c.hint)
		}
	}
}
