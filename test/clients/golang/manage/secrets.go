package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

func secrets(credential azcore.TokenCredential) error {
	client, err := azsecrets.NewClient(vault, credential, nil)
	if err != nil {
		return err
	}
	step("set thirty secrets", func() (string, error) {
		for n := range 30 {
			if _, err := client.SetSecret(ctx, fmt.Sprint("many-", n), azsecrets.SetSecretParameters{Value: to("v")}, nil); err != nil {
				return "", err
			}
		}
		return "done", nil
	})
	step("list secrets", func() (string, error) {
		all, pages, err := collect(client.NewListSecretPropertiesPager(nil),
			func(p azsecrets.ListSecretPropertiesResponse) []*azsecrets.SecretProperties { return p.Value })
		return fmt.Sprintf("%d secrets on %d pages", len(all), pages), err
	})
	step("set a secret again", func() (string, error) {
		return done(client.SetSecret(ctx, "many-0", azsecrets.SetSecretParameters{Value: to("w")}, nil))
	})
	step("list its versions", func() (string, error) {
		all, _, err := collect(client.NewListSecretPropertiesVersionsPager("many-0", nil),
			func(p azsecrets.ListSecretPropertiesVersionsResponse) []*azsecrets.SecretProperties { return p.Value })
		return fmt.Sprint(len(all)), err
	})
	step("change its content type", func() (string, error) {
		r, err := client.UpdateSecretProperties(ctx, "many-0", "", azsecrets.UpdateSecretPropertiesParameters{ContentType: to("text/plain")}, nil)
		if err != nil {
			return "", err
		}
		return *r.ContentType, nil
	})
	step("delete it", func() (string, error) { return done(client.DeleteSecret(ctx, "many-0", nil)) })
	step("read the deleted secret", func() (string, error) { return done(client.GetSecret(ctx, "many-0", "", nil)) })
	step("recover it", func() (string, error) {
		if err := eventually(func() error { _, err := client.GetDeletedSecret(ctx, "many-0", nil); return err }); err != nil {
			return "", err
		}
		if _, err := client.RecoverDeletedSecret(ctx, "many-0", nil); err != nil {
			return "", err
		}
		if err := eventually(func() error { _, err := client.GetSecret(ctx, "many-0", "", nil); return err }); err != nil {
			return "", err
		}
		r, err := client.GetSecret(ctx, "many-0", "", nil)
		if err != nil {
			return "", err
		}
		return *r.Value, nil
	})
	return nil
}

// eventually calls until there is something to find, for as long as the variable PATIENCE says.
func eventually(call func() error) error {
	patience, err := time.ParseDuration(os.Getenv("PATIENCE"))
	if err != nil {
		return err
	}
	over := time.After(patience)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := call()
		var refused *azcore.ResponseError
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
			return err
		}
		select {
		case <-tick.C:
		case <-over:
			return err
		}
	}
}
