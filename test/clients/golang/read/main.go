// Command read reads one secret by each credential named, with the unmodified Go SDK.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// answer is one line of output.
type answer struct {
	As           string `json:"as"`
	Value        string `json:"value,omitempty"`
	Error        string `json:"error,omitempty"`
	Status       int    `json:"status,omitempty"`
	Code         string `json:"code,omitempty"`
	Message      string `json:"message,omitempty"`
	Milliseconds int64  `json:"milliseconds"`
}

func main() {
	for _, as := range os.Args[1:] {
		start := time.Now()
		value, err := read(as)
		a := answer{As: as, Value: value, Milliseconds: time.Since(start).Milliseconds()}
		if err != nil {
			a.Error, a.Message = reflect.TypeOf(err).String(), err.Error()
			var refused *azcore.ResponseError
			if errors.As(err, &refused) {
				a.Status, a.Code = refused.StatusCode, refused.ErrorCode
			}
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			panic(err)
		}
	}
}

func read(as string) (string, error) {
	credential, err := credentialFor(as)
	if err != nil {
		return "", err
	}
	client, err := azsecrets.NewClient(os.Getenv("VAULT"), credential, nil)
	if err != nil {
		return "", err
	}
	secret, err := client.GetSecret(context.Background(), os.Getenv("SECRET"), "", nil)
	if err != nil {
		return "", err
	}
	return *secret.Value, nil
}

// credentialFor makes the credential that a word names: system, client=ID, object=ID,
// resource=ID, default, or audience=SCOPE for one that asks for a scope of its own.
func credentialFor(as string) (azcore.TokenCredential, error) {
	kind, id, _ := strings.Cut(as, "=")
	options := &azidentity.ManagedIdentityCredentialOptions{}
	switch kind {
	case "default":
		return azidentity.NewDefaultAzureCredential(nil)
	case "system", "audience":
	case "client":
		options.ID = azidentity.ClientID(id)
	case "object":
		options.ID = azidentity.ObjectID(id)
	case "resource":
		options.ID = azidentity.ResourceID(id)
	default:
		return nil, fmt.Errorf("no credential is called %q", as)
	}
	credential, err := azidentity.NewManagedIdentityCredential(options)
	if err == nil && kind == "audience" {
		return stubborn{credential, id}, nil
	}
	return credential, err
}

// stubborn asks for one scope, whatever the client wants.
type stubborn struct {
	azcore.TokenCredential
	scope string
}

func (s stubborn) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	o.Scopes = []string{s.scope}
	return s.TokenCredential.GetToken(ctx, o)
}
