package msi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// credential gives an unmodified client's credential in the environment of the world's replica.
func credential(t *testing.T, w *world, id azidentity.ManagedIDKind) *azidentity.ManagedIdentityCredential {
	t.Helper()
	t.Setenv("IDENTITY_ENDPOINT", w.endpoint())
	t.Setenv("IDENTITY_HEADER", w.replica.Header.Open())
	options := &azidentity.ManagedIdentityCredentialOptions{ID: id}
	options.Transport = &http.Client{}
	c, err := azidentity.NewManagedIdentityCredential(options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func acquire(t *testing.T, c azcore.TokenCredential, resource string) (azcore.AccessToken, error) {
	return c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
}

func TestTheAzureSDKGetsATokenOfEachIdentity(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	w.set(func() { w.now = time.Now() })
	for name, c := range map[string]struct {
		id   azidentity.ManagedIDKind
		want string
	}{
		"the system-assigned one": {nil, guid(11)},
		"by client id":            {azidentity.ClientID(bill.Client), guid(21)},
		"by object id":            {azidentity.ObjectID(bill.ID), guid(21)},
		"by resource id":          {azidentity.ResourceID(billing.String()), guid(21)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := acquire(t, credential(t, w, c.id), "https://vault.azure.net")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(got.Token, c.want) || time.Until(got.ExpiresOn) < 23*time.Hour {
				t.Errorf("the token is %s until %v", got.Token, got.ExpiresOn)
			}
		})
	}
}

func TestTheAzureSDKSaysThatAnIdentityIsMissing(t *testing.T) {
	w := newWorld(t, worn(bill)...)
	for name, id := range map[string]azidentity.ManagedIDKind{
		"no system-assigned one": nil,
		"another app's":          azidentity.ClientID(audit.Client),
	} {
		t.Run(name, func(t *testing.T) {
			// The SDK caches tokens for the whole process, by identity and resource.
			_, err := acquire(t, credential(t, w, id), "https://storage.azure.com")
			var failed *azidentity.AuthenticationFailedError
			if !errors.As(err, &failed) || failed.RawResponse.StatusCode != http.StatusBadRequest {
				t.Fatalf("the error is %v", err)
			}
			if !strings.Contains(err.Error(), appService2019.absent) || !strings.Contains(err.Error(), "lanyard containerapp identity assign") {
				t.Errorf("the error says %v", err)
			}
		})
	}
}
