package matrix

import (
	"fmt"
	"slices"
	"strings"
)

// What stands around the tables in docs/clients.md.
const (
	begins = "<!-- matrix: written by `go test ./matrix -run TestTheDocument -args -write` in test/clients -->\n"
	ends   = "<!-- end of the matrix -->\n"
)

// Markdown spells everything that is declared as tables.
func Markdown() string {
	var b strings.Builder
	for _, s := range sources {
		s.write(&b)
	}
	writeRecoveries(&b)
	return b.String()
}

// isIdentity reports whether a column is about a way to name an identity that the app wears.
func isIdentity(c column) bool {
	return c.whose == both && c.refused == "" || c.whose == worn && c.resource == ""
}

func (s source) write(b *strings.Builder) {
	fmt.Fprintf(b, "### %s\n\n", s.title)
	var head, words []string
	refusals := map[string][]string{}
	for _, c := range s.columns {
		if isIdentity(c) {
			head = append(head, c.name)
			continue
		}
		if refusals[c.refused] == nil {
			words = append(words, c.refused)
		}
		refusals[c.refused] = append(refusals[c.refused], c.name)
	}
	fmt.Fprintf(b, "| client | %s | raised at a refusal |\n|---|%s---|\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, of := range clients {
		row := []string{of.name + " " + of.version}
		for _, c := range s.columns {
			switch {
			case !isIdentity(c):
			case slices.Contains(s.deaf, of.id()):
				row = append(row, "does not heed it")
			default:
				row = append(row, s.outcome(of, c).cell())
			}
		}
		fmt.Fprintf(b, "| %s | %s |\n", strings.Join(row, " | "), code(s.raises[of.id()]))
	}
	for n, w := range words {
		if n == 0 {
			b.WriteString("\nRefused, with these words in what the client says:\n\n")
		}
		fmt.Fprintf(b, "- `%s`: %s\n", w, strings.Join(refusals[w], ", "))
	}
	s.writeOtherwise(b)
	b.WriteString("\n")
}

// writeOtherwise lists where a client does something else than its row says.
func (s source) writeOtherwise(b *strings.Builder) {
	var lines []string
	for _, of := range clients {
		byOutcome := map[outcome][]string{}
		var order []outcome
		for _, c := range s.columns {
			o, ok := s.except[of.id()][c.name]
			if !ok {
				continue
			}
			if byOutcome[o] == nil {
				order = append(order, o)
			}
			byOutcome[o] = append(byOutcome[o], c.name)
		}
		for _, o := range order {
			lines = append(lines, fmt.Sprintf("- %s %s; %s: %s\n", of.name, of.version, strings.Join(byOutcome[o], ", "), o.sentence()))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\nOtherwise:\n\n%s", strings.Join(lines, ""))
	}
}

// cell spells an outcome in a table.
func (o outcome) cell() string {
	switch {
	case o.why == noSuchOption:
		return o.why
	case o.why != "" && o.raises != "", o.whose != "":
		return "no"
	case o.raises != "":
		return "refused"
	}
	return "yes"
}

func (o outcome) sentence() string {
	said := "a token"
	if o.raises != "" {
		said = code(o.raises) + ", `" + o.says + "`"
	}
	if o.why != "" {
		said += ": " + o.why
	}
	return said
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
