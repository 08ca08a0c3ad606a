// Command hello reads a secret every second with the managed identity of the app it runs as.
//
// It is an ordinary Azure program: production host name, official SDKs, no credential.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	if err != nil {
		return err
	}
	secrets, err := azsecrets.NewClient("https://hello-kv.vault.azure.net", credential, nil)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := ""; ; {
		now := read(ctx, secrets)
		if now != last && ctx.Err() == nil {
			fmt.Println(now)
			last = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// read tells in a line what the vault says.
func read(ctx context.Context, secrets *azsecrets.Client) string {
	answer, err := secrets.GetSecret(ctx, "greeting", "", nil)
	var refused *azcore.ResponseError
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("refused with %d %s:\n%v", refused.StatusCode, refused.ErrorCode, err)
	case err != nil:
		return fmt.Sprintf("failed: %v", err)
	}
	return fmt.Sprintf("read the secret %q: %s", answer.ID.Name(), *answer.Value)
}
