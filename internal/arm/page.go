package arm

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// maxPage is how many entries a page holds when the caller does not ask for fewer.
const maxPage = 1000

type wireList struct {
	Value    []map[string]any `json:"value"`
	NextLink string           `json:"nextLink,omitempty"`
}

// pages is a list on its way out: what it holds, how an entry is shown, and what of it was asked for.
type pages struct {
	all     []*Document
	show    func(*Document) (map[string]any, error)
	options map[string]string
}

func (c call) page(all []*Document, show func(*Document) (map[string]any, error)) pages {
	return pages{all, show, c.options}
}

// page answers with one page of a list. The next begins after the last id of this one, so that
// what comes and goes meanwhile moves nothing.
func (e *Engine) page(w http.ResponseWriter, r *http.Request, p pages) error {
	size, err := pageSize(p.options["$top"])
	if err != nil {
		return err
	}
	after, err := base64.RawURLEncoding.DecodeString(p.options["$skiptoken"])
	if err != nil {
		return BadSkipToken()
	}
	said := wireList{Value: []map[string]any{}}
	slices.SortFunc(p.all, func(a, b *Document) int { return strings.Compare(a.ID.Key(), b.ID.Key()) })
	last := ""
	for _, d := range p.all {
		if d.ID.Key() <= string(after) {
			continue
		}
		if len(said.Value) == size {
			said.NextLink = e.NextLink(r, base64.RawURLEncoding.EncodeToString([]byte(last)))
			break
		}
		last = d.ID.Key()
		shown, err := p.show(d)
		if err != nil {
			return err
		}
		said.Value = append(said.Value, shown)
	}
	return httpkit.WriteJSON(w, http.StatusOK, said)
}

// pageSize reads $top: at most that many entries.
func pageSize(top string) (int, error) {
	if top == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(top)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "InvalidQueryParameterValue", "The value '%s' of the query parameter '$top' is not a positive integer.", fault.Clip(top))
	}
	return min(n, maxPage), nil
}

// BadSkipToken refuses a $skiptoken that no nextLink gave.
func BadSkipToken() error {
	return fault.New(fault.Invalid, "InvalidQueryParameterValue", "The query parameter '$skiptoken' is not one that a nextLink gave.")
}

// NextLink gives the absolute address of a list's next page: this one's, with another $skiptoken.
func (e *Engine) NextLink(r *http.Request, token string) string {
	query := url.Values{}
	for name, values := range r.URL.Query() {
		if !strings.EqualFold(name, "$skiptoken") {
			query[name] = values
		}
	}
	query.Set("$skiptoken", token)
	return e.origin(r) + r.URL.EscapedPath() + "?" + query.Encode()
}
