package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

// credentialCommand manages the passwords and certificates of an application, which az also
// reaches through its service principal.
func credentialCommand(a *app, n *noun) *cobra.Command {
	var id, name, keyID string
	years := 1
	list := a.verb("list", "List passwords, without their values", "lanyard ad "+n.use+" credential list --id $APP_ID", func(c *client, cmd *cobra.Command) (any, error) {
		found, err := c.application(cmd.Context(), n, id)
		if err != nil {
			return nil, err
		}
		var credentials struct {
			Passwords []json.RawMessage `json:"passwordCredentials"`
		}
		return credentials.Passwords, json.Unmarshal(found, &credentials)
	})
	reset := a.verb("reset", "Make a new password; it is shown once", "lanyard ad "+n.use+" credential reset --id $APP_ID --append", func(c *client, cmd *cobra.Command) (any, error) {
		found, err := c.application(cmd.Context(), n, id)
		if err != nil {
			return nil, err
		}
		keep, err := cmd.Flags().GetBool("append")
		if err != nil {
			return nil, err
		}
		if !keep {
			if err := c.dropPasswords(cmd.Context(), found); err != nil {
				return nil, err
			}
		}
		return c.addPassword(cmd.Context(), found, name, years)
	})
	reset.Flags().BoolP("append", "", false, "leave the passwords there are")
	reset.Flags().StringVar(&name, "display-name", "", "what to call the password")
	reset.Flags().IntVar(&years, "years", 1, "how long it lasts")
	remove := a.verb("delete", "Take a password away", "lanyard ad "+n.use+" credential delete --id $APP_ID --key-id $KEY_ID", func(c *client, cmd *cobra.Command) (any, error) {
		found, err := c.application(cmd.Context(), n, id)
		if err != nil {
			return nil, err
		}
		return c.graph(cmd.Context(), http.MethodPost, "/applications/"+objectID(found)+"/removePassword", map[string]any{"keyId": keyID})
	})
	remove.Flags().StringVar(&keyID, "key-id", "", "id of the password")
	must(remove, "key-id")
	for _, verb := range []*cobra.Command{list, reset, remove} {
		verb.Flags().StringVar(&id, "id", "", "client id, object id or URI")
		must(verb, "id")
	}
	cmd := parent("credential", "Manage passwords", "lanyard ad "+n.use+" credential list --id $APP_ID")
	cmd.AddCommand(list, reset, remove)
	return cmd
}

// application gives the application behind an id of itself or of its service principal.
func (c *client) application(ctx context.Context, n *noun, id string) (json.RawMessage, error) {
	found, err := c.object(ctx, n.collection, id)
	if err != nil || n.collection == "/applications" {
		return found, err
	}
	var m member
	if err := json.Unmarshal(found, &m); err != nil {
		return nil, err
	}
	return c.object(ctx, "/applications", string(m.AppID))
}

func (c *client) dropPasswords(ctx context.Context, application json.RawMessage) error {
	var now struct {
		Passwords []struct {
			KeyID string `json:"keyId"`
		} `json:"passwordCredentials"`
	}
	if err := json.Unmarshal(application, &now); err != nil {
		return err
	}
	for _, p := range now.Passwords {
		at := "/applications/" + objectID(application) + "/removePassword"
		if _, err := c.graph(ctx, http.MethodPost, at, map[string]any{"keyId": p.KeyID}); err != nil {
			return err
		}
	}
	return nil
}

// issued is an application with the credential it was just given, as az prints one.
type issued struct {
	AppID       cloud.ClientID `json:"appId"`
	DisplayName string         `json:"displayName,omitempty"`
	Password    string         `json:"password,omitempty"`
	File        string         `json:"fileWithCertAndPrivateKey,omitempty"`
	Tenant      cloud.TenantID `json:"tenant"`
}

func (c *client) addPassword(ctx context.Context, application json.RawMessage, name string, years int) (issued, error) {
	var m member
	if err := json.Unmarshal(application, &m); err != nil {
		return issued{}, err
	}
	wanted := map[string]any{"endDateTime": time.Now().UTC().AddDate(years, 0, 0).Format(time.RFC3339)}
	if name != "" {
		wanted["displayName"] = name
	}
	body, err := c.graph(ctx, http.MethodPost, "/applications/"+string(m.ID)+"/addPassword", map[string]any{"passwordCredential": wanted})
	if err != nil {
		return issued{}, err
	}
	var made struct {
		Secret string `json:"secretText"`
	}
	if err := json.Unmarshal(body, &made); err != nil {
		return issued{}, fmt.Errorf("read password: %w", err)
	}
	return issued{AppID: m.AppID, DisplayName: m.Name, Password: made.Secret, Tenant: c.seat.Tenant}, nil
}

// keyCredential is a certificate in Microsoft Graph's words.
func keyCredential(der []byte, name string) map[string]any {
	return map[string]any{"type": "AsymmetricX509Cert", "usage": "Verify", "displayName": name, "key": der}
}

// readCertificate gives the first certificate in PEM, or @file.
func readCertificate(from string) ([]byte, error) {
	text, err := contents(from)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return block.Bytes, nil
		}
	}
	return nil, hinted{"--cert holds no PEM certificate", "lanyard ad sp create-for-rbac --cert @cert.pem"}
}

// makeCertificate draws a key, signs a certificate with it and writes both to a file of the user's own.
func makeCertificate(name string, years int) (der []byte, file string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, "", err
	}
	now := time.Now().UTC()
	draft := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(years, 0, 0)}
	if der, err = x509.CreateCertificate(rand.Reader, draft, draft, &key.PublicKey, key); err != nil {
		return nil, "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, "", err
	}
	f, err := os.CreateTemp(home, "lanyard-*.pem") // made 0600
	if err != nil {
		return nil, "", err
	}
	defer func() { err = firstOf(err, f.Close()) }()
	for _, block := range []*pem.Block{{Type: "PRIVATE KEY", Bytes: private}, {Type: "CERTIFICATE", Bytes: der}} {
		if err := pem.Encode(f, block); err != nil {
			return nil, "", err
		}
	}
	file, err = filepath.Abs(f.Name())
	return der, file, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
