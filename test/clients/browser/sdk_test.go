package browser

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/chromedp/chromedp"

	"lanyard/test/clients/stage"
)

// opener puts a command on the PATH that tells where a program would have the browser go.
func opener(t *testing.T) <-chan string {
	t.Helper()
	if runtime.GOOS != "linux" {
		stage.Missing(t, "programs open the browser by xdg-open on Linux alone")
	}
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.FormValue("at") }))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	script := "#!/bin/sh\nexec curl --silent --noproxy '*' --get --data-urlencode \"at=$1\" " + server.URL + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return asked
}

// The SDK itself opens the browser, listens for the answer, and redeems the code.
func TestTheAzureSDKSignsAPersonInByTheBrowser(t *testing.T) {
	s, b := stage.Start(t), open(t)
	asked := opener(t)
	credential, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: prepared(t, s)}, LoginHint: s.Owner().SignIn,
	})
	if err != nil {
		t.Fatal(err)
	}
	signedIn := make(chan error, 1)
	go func() {
		_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
		signedIn <- err
	}()
	select {
	case at := <-asked:
		b.do(chromedp.Navigate(at))
	case err := <-signedIn:
		t.Fatalf("the SDK opened no browser: %v", err)
	}
	b.shows("Sign in")
	b.do(chromedp.SendKeys("#password", s.Owner().Password), b.press("Sign in")) // the name is there already
	if err := <-signedIn; err != nil {
		t.Fatal(err)
	}
	// What follows costs nobody a look at a browser.
	if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}); err != nil {
		t.Error(err)
	}
	b.quiet()
}
