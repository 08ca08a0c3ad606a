package arm

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/fault"
)

// readOptions reads the query: its names compare without regard to case, and none may stand there
// twice. An option of OData's that the answer does not take is refused, never ignored.
func readOptions(r *http.Request, to answer) (map[string]string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, "InvalidRequestUri", "The request's query cannot be read.").Because(err)
	}
	options := make(map[string]string, len(query))
	for name, values := range query {
		low := strings.ToLower(name)
		if _, twice := options[low]; twice || len(values) > 1 {
			return nil, fault.New(fault.Invalid, "InvalidQueryParameter", "The query parameter '%s' is there twice.", fault.Clip(name))
		}
		options[low] = values[0]
		if strings.HasPrefix(low, "$") && !to.anyOption && !slices.Contains(to.options, low) {
			return nil, unknownOption(name, to.options)
		}
	}
	return options, nil
}

func unknownOption(name string, known []string) error {
	f := fault.New(fault.Invalid, "InvalidQueryParameter", "The query option '%s' is not supported by this request.", fault.Clip(name))
	if len(known) > 0 {
		f.Try("use %s", strings.Join(known, ", "))
	}
	return f
}
