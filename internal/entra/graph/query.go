package graph

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lanyard/internal/fault"
)

// Pages hold 100 objects unless $top says otherwise, and 999 at most (Microsoft Graph v1.0, "Paging").
const (
	pageSize = 100
	maxPage  = 999
)

// query is what the query options of a request ask for (OData 4.01 part 2, section 5).
type query struct {
	options  url.Values // as given
	filter   string
	selected []string
	top      int
	count    bool
	after    string // the id that the page before ended with
	eventual bool   // the caller takes answers that may be late, as advanced queries ask of it
}

// readQuery refuses options that would otherwise be passed over.
func readQuery(r *http.Request) (query, error) {
	options, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, fault.New(fault.Invalid, "BadRequest", "The query of the request cannot be read.")
	}
	q := query{options: options, top: pageSize, eventual: strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual")}
	for name, values := range options {
		if len(values) > 1 {
			return q, fault.New(fault.Invalid, "BadRequest", "Query option '%s' was specified more than once, but it must be specified at most once.", fault.Clip(name))
		}
		if r.Method != http.MethodGet {
			return q, fault.New(fault.Invalid, "BadRequest", "Query option '%s' is not allowed with %s.", fault.Clip(name), r.Method)
		}
		if err := q.take(name, values[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (q *query) take(name, value string) error {
	var err error
	switch name {
	case "$filter":
		if q.filter = value; value == "" {
			return invalidFilter("it is empty", 0)
		}
	case "$select":
		for _, property := range strings.Split(value, ",") {
			q.selected = append(q.selected, strings.TrimSpace(property))
		}
	case "$top":
		if q.top, err = strconv.Atoi(value); err != nil || q.top < 1 || q.top > maxPage {
			return fault.New(fault.Invalid, "Request_UnsupportedQuery", "Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", fault.Clip(value), maxPage)
		}
	case "$count":
		if q.count, err = strconv.ParseBool(value); err != nil {
			return fault.New(fault.Invalid, "BadRequest", "Invalid value '%s' for $count query option found.", fault.Clip(value))
		}
		if q.count && !q.eventual {
			return badRequest("$count is not currently supported.").Try("the header ConsistencyLevel: eventual")
		}
	case "$skiptoken":
		q.after, err = readToken(value)
		return err
	case "$orderby":
		return unsupported("Sorting not supported for current query.")
	default:
		return unsupported("Lanyard does not offer the query option '%s'.", fault.Clip(name))
	}
	return nil
}

// next gives the query of the page after the one that ends with an id.
func (q query) next(last string) string {
	options := url.Values{}
	for name, values := range q.options {
		options[name] = values
	}
	options.Set("$skiptoken", writeToken(last))
	// Clients print and compare links: the dollar signs stay readable, as Microsoft Graph's do.
	return strings.ReplaceAll(options.Encode(), "%24", "$")
}

// onlySelects refuses what has a meaning for collections alone.
func (q query) onlySelects() error {
	for name := range q.options {
		if name != "$select" {
			return fault.New(fault.Invalid, "BadRequest", "Query option '%s' is not allowed. It applies to collections only.", fault.Clip(name))
		}
	}
	return nil
}

func unsupported(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "Request_UnsupportedQuery", format, args...)
}
