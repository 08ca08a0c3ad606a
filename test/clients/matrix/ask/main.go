// Command ask asks for tokens with the Go clients as they are.
//
// Each line of its standard input names a way to ask; it prints what came of it as a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

// question is one line of input.
type question struct {
	Library  string // identity, default, workload, msal, claims (MSAL with a challenge's), secret, az, crowd
	Selector string // none, or client_id=, object_id=, resource_id= with its value
	Resource string
	Claims   string // of the challenge
}

// answer is one line of output.
type answer struct {
	Claims       json.RawMessage `json:"claims,omitempty"`
	Expires      int64           `json:"expires,omitempty"` // seconds since 1970, as the client says
	Value        string          `json:"value,omitempty"`   // of the secret
	Error        string          `json:"error,omitempty"`   // the exception's type
	Message      string          `json:"message,omitempty"`
	Milliseconds int64           `json:"milliseconds"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		start := time.Now()
		a, err := ask(q)
		if err != nil {
			a.Error, a.Message = reflect.TypeOf(err).String(), err.Error()
			if s := (status{}); errors.As(err, &s) {
				a.Error = fmt.Sprintf("exit status %d", s.code)
			}
		}
		a.Milliseconds = time.Since(start).Milliseconds()
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			panic(err)
		}
	}
}

func ask(q question) (answer, error) {
	switch q.Library {
	case "msal", "claims":
		return byMSAL(q)
	case "secret":
		return secret(q)
	case "az":
		return byAz(q)
	case "crowd":
		return answer{}, crowd()
	}
	credential, err := once(q, func() (azcore.TokenCredential, error) { return credentialFor(q) })
	if err != nil {
		return answer{}, err
	}
	t, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{q.Resource + "/.default"}})
	if err != nil {
		return answer{}, err
	}
	return said(t.Token, t.ExpiresOn), nil
}

// clients are those made so far: what a client keeps, it keeps from one question to the next.
var clients = map[string]any{}

func once[T any](q question, make func() (T, error)) (T, error) {
	key := strings.Replace(q.Library, "claims", "msal", 1) + " " + q.Selector
	if made, ok := clients[key]; ok {
		return made.(T), nil
	}
	made, err := make()
	if err == nil {
		clients[key] = made
	}
	return made, err
}

func credentialFor(q question) (azcore.TokenCredential, error) {
	by, id, _ := strings.Cut(q.Selector, "=")
	switch q.Library {
	case "default": // what names the identity is a variable; there is none for the others
		if by == "client_id" {
			os.Setenv("AZURE_CLIENT_ID", id)
		} else if id != "" {
			return nil, errors.New("DefaultAzureCredential has no option for " + by)
		}
		return azidentity.NewDefaultAzureCredential(nil)
	case "workload":
		options := &azidentity.WorkloadIdentityCredentialOptions{}
		if by == "client_id" {
			options.ClientID = id
		}
		return azidentity.NewWorkloadIdentityCredential(options)
	}
	options := &azidentity.ManagedIdentityCredentialOptions{}
	switch by {
	case "client_id":
		options.ID = azidentity.ClientID(id)
	case "object_id":
		options.ID = azidentity.ObjectID(id)
	case "resource_id":
		options.ID = azidentity.ResourceID(id)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

func byMSAL(q question) (answer, error) {
	if os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "" {
		return byAssertion(q)
	}
	client, err := once(q, func() (managedidentity.Client, error) {
		by, id, _ := strings.Cut(q.Selector, "=")
		switch by {
		case "client_id":
			return managedidentity.New(managedidentity.UserAssignedClientID(id))
		case "object_id":
			return managedidentity.New(managedidentity.UserAssignedObjectID(id))
		case "resource_id":
			return managedidentity.New(managedidentity.UserAssignedResourceID(id))
		}
		return managedidentity.New(managedidentity.SystemAssigned())
	})
	if err != nil {
		return answer{}, err
	}
	var options []managedidentity.AcquireTokenOption
	if q.Library == "claims" {
		options = append(options, managedidentity.WithClaims(q.Claims))
	}
	got, err := client.AcquireToken(context.Background(), q.Resource, options...)
	if err != nil {
		return answer{}, err
	}
	return said(got.AccessToken, got.ExpiresOn), nil
}

// byAssertion does with MSAL what workload identity asks for: MSAL has no source of that name, but a
// confidential client whose assertion lies in a file.
func byAssertion(q question) (answer, error) {
	client, err := once(q, func() (confidential.Client, error) {
		id := os.Getenv("AZURE_CLIENT_ID")
		switch by, value, _ := strings.Cut(q.Selector, "="); by {
		case "none":
		case "client_id":
			id = value
		default:
			return confidential.Client{}, errors.New("a confidential client is named by its client id only")
		}
		read := func(context.Context, confidential.AssertionRequestOptions) (string, error) {
			text, err := os.ReadFile(os.Getenv("AZURE_FEDERATED_TOKEN_FILE"))
			return string(text), err
		}
		authority := strings.TrimSuffix(os.Getenv("AZURE_AUTHORITY_HOST"), "/") + "/" + os.Getenv("AZURE_TENANT_ID")
		return confidential.New(authority, id, confidential.NewCredFromAssertionCallback(read))
	})
	if err != nil {
		return answer{}, err
	}
	got, err := client.AcquireTokenSilent(context.Background(), []string{q.Resource + "/.default"})
	if err != nil {
		got, err = client.AcquireTokenByCredential(context.Background(), []string{q.Resource + "/.default"})
	}
	if err != nil {
		return answer{}, err
	}
	return said(got.AccessToken, got.ExpiresOn), nil
}

// secret reads one secret of a vault by one client that is kept.
func secret(q question) (answer, error) {
	client, err := once(q, func() (*azsecrets.Client, error) {
		credential, err := credentialFor(q)
		if err != nil {
			return nil, err
		}
		return azsecrets.NewClient(os.Getenv("VAULT"), credential, nil)
	})
	if err != nil {
		return answer{}, err
	}
	got, err := client.GetSecret(context.Background(), os.Getenv("SECRET"), "", nil)
	if err != nil {
		return answer{}, err
	}
	return answer{Value: *got.Value}, nil
}

// crowd asks IMDS, without any client, until it is told to wait.
func crowd() error {
	for range 100 {
		request, err := http.NewRequest(http.MethodGet, "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=none", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Metadata", "true")
		got, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		got.Body.Close()
		if got.StatusCode == http.StatusTooManyRequests {
			return nil
		}
	}
	return errors.New("nobody said to wait")
}

// said tells what a token says.
func said(token string, expires time.Time) answer {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		panic(fmt.Sprintf("a token of %d parts", len(parts)))
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		panic(err)
	}
	return answer{Claims: claims, Expires: expires.Unix()}
}
