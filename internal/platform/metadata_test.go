package platform

import (
	"io"
	"net/http"
	"testing"
)

// The second address answers paths of instance metadata alone, and strangers get no token there: this
// test's own process is nobody's replica.
func TestTheSecondAddressKnowsNothingButMetadata(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Metadata = "127.0.0.1:0" })
	address := s.metadata.Addr().String()
	attached := "http://" + s.Address()
	for path, want := range map[string]int{
		"/": 404, "/r/hello/msi/token?api-version=2019-08-01&resource=https://vault.azure.net": 404, "/oauth2/v2.0/authorize": 404,
		"/metadata/identity/oauth2/token": 400, // the probe, without the header Metadata
		"/metadata/instance":              404,
	} {
		got, body := visit(t, "http://"+address+path, nil)
		if got != want {
			t.Errorf("%s is answered %d %s, want %d", path, got, body, want)
		}
	}
	token := "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
	for _, at := range []string{"http://" + address, attached} {
		if got, body := visit(t, at+token, http.Header{"Metadata": {"true"}}); got < 400 || got > 499 {
			t.Errorf("a stranger is answered %d %s at %s", got, body, at)
		}
	}
}

func visit(t *testing.T, url string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
