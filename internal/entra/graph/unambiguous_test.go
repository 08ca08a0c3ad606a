package graph

import (
	"encoding/json"
	"testing"

	jose "github.com/go-jose/go-jose/v4/json" // refuses names that come twice, in their own case
)

// What is let through is JSON, and no reader that minds names which come twice finds one.
func FuzzUnambiguous(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `1e400`, `{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}`, `{"a":1,"A":2}`, `{"a":1,"\u0061":2}`, `{"a":1}{`, `{"a":1}]`, `[[[`,
		"{\"\xff\":1,\"\xfe\":2}", `{"a"`, `{"a":}`, `{,}`, `{"a":1,}`, ` {"a":1} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := unambiguous(body)
		if err == nil && !json.Valid(body) {
			t.Errorf("%q passes, and is no JSON", body)
		}
		var whole any
		if strict := jose.Unmarshal(body, &whole); err == nil && strict != nil && json.Unmarshal(body, &whole) == nil {
			t.Errorf("%q passes, and another reader says %v", body, strict)
		}
	})
}
