// Command manage runs what its arguments name through the unmodified Go management clients.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Where the program works.
var (
	ctx          = context.Background()
	subscription = os.Getenv("SUBSCRIPTION")
	group        = os.Getenv("GROUP")
	vaultID      = os.Getenv("VAULT_ID")
	vault        = os.Getenv("VAULT")
)

func main() {
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		panic(err)
	}
	parts := map[string]func(azcore.TokenCredential) error{
		"identities": identities, "groups": groups, "locks": locks, "roles": roles, "secrets": secrets, "apps": apps,
	}
	for _, name := range os.Args[1:] {
		if err := parts[name](credential); err != nil {
			panic(err)
		}
	}
}

// step does one thing and prints what came of it: a word, or status and code of the refusal.
func step(name string, do func() (string, error)) {
	said, err := do()
	var refused *azcore.ResponseError
	switch {
	case errors.As(err, &refused):
		said = fmt.Sprintf("%d %s", refused.StatusCode, refused.ErrorCode)
	case err != nil:
		said = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"step": name, "said": said}); err != nil {
		panic(err)
	}
}

// done says that something went well which has nothing to tell.
func done[T any](_ T, err error) (string, error) { return "done", err }

// finish waits for a long operation.
func finish[T any](p *runtime.Poller[T], err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: time.Second})
}

// collect gives what all pages of a list hold, and how many pages there were.
func collect[P, T any](pager *runtime.Pager[P], items func(P) []T) (all []T, pages int, err error) {
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, items(page)...)
		pages++
	}
	return all, pages, nil
}

// names lists every page of what has names, in order.
func names[P any](pager *runtime.Pager[P], items func(P) []string) (string, error) {
	all, _, err := collect(pager, items)
	slices.Sort(all)
	return strings.Join(all, " "), err
}

func to[T any](v T) *T { return &v }
