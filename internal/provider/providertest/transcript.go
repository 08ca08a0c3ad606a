package providertest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/httpkit/wiretest"
)

// Transcripts replays wire/*.txtar of the package under test, each file in a world of its own.
// $SUBSCRIPTION, $GROUP, $TENANT and $CALLER stand for those of the world, the words that begin gives for
// what they name, and «guid» for what is never twice the same.
func Transcripts(t *testing.T, begin func(*testing.T) (*World, map[string]string)) {
	wiretest.Replay(t, func(t *testing.T) func(string, string) string {
		w, words := begin(t)
		p := play{World: w, names: names(words)}
		return func(_, asked string) string { return p.replay(t, asked) }
	})
}

// play is one transcript on its way.
type play struct {
	*World
	names [][2]string // word and what it stands for, the longest first
}

func names(words map[string]string) [][2]string {
	all := [][2]string{{"$GROUP", Group}, {"$SUBSCRIPTION", Subscription}, {"$TENANT", string(Tenant)},
		{"$CALLER", string(Caller.Principal)}, {"$CLIENT", string(Caller.Client)}}
	for word, value := range words {
		all = append(all, [2]string{word, value})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return len(b[1]) - len(a[1]) })
	return all
}

// replay sends a request, with a body from its second line on, and gives the answer.
func (p play) replay(t *testing.T, asked string) string {
	t.Helper()
	for _, n := range p.names {
		asked = strings.ReplaceAll(asked, n[0], n[1])
	}
	line, body, _ := strings.Cut(asked, "\n")
	a := p.Ask(line, body)
	return p.mask(wiretest.Answer(t, a.Status, a.Header, []string{"Allow", "Azure-AsyncOperation", "Location", "Retry-After"}, []byte(a.Text)))
}

// drawn are values that a world draws by chance, and what changes with every write.
var drawn = map[*regexp.Regexp]string{
	regexp.MustCompile(`("(clientId|principalId)": ")[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`): "$1«guid»",
	regexp.MustCompile(`("etag": )"[^,\n]*"`):                                                    `$1"«etag»"`,
}

func (p play) mask(text string) string {
	for _, n := range p.names {
		text = strings.ReplaceAll(text, n[1], n[0])
	}
	for pattern, word := range drawn {
		text = pattern.ReplaceAllString(text, word)
	}
	return text
}
