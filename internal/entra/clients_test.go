package entra_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azurecloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"
)

// verify checks a token as any service would that was given nothing but the authority's name: by
// the v1.0 discovery document, its key set, and the certificate in there (TK-12).
func verify(t *testing.T, w *world, raw, audience string) jwt.MapClaims {
	t.Helper()
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	w.get(t, login+"/"+string(tenant)+"/.well-known/openid-configuration").decode(t, &document)
	var set struct {
		Keys []struct {
			Kid string
			X5c []string
		}
	}
	w.get(t, document.Keys).decode(t, &set)
	keyOf := func(given *jwt.Token) (any, error) {
		for _, one := range set.Keys {
			if one.Kid != given.Header["kid"] {
				continue
			}
			der, err := base64.StdEncoding.DecodeString(one.X5c[0])
			if err != nil {
				return nil, err
			}
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, err
			}
			return certificate.PublicKey.(*rsa.PublicKey), nil
		}
		return nil, jwt.ErrTokenUnverifiable
	}
	parsed, err := jwt.Parse(raw, keyOf, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(document.Issuer),
		jwt.WithAudience(audience), jwt.WithExpirationRequired())
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Claims.(jwt.MapClaims)
}

// The credential of the Azure SDK runs unmodified: by the public name, and by the local one, where
// it first asks login.microsoftonline.com whether that authority is to be trusted.
func TestTheAzureSDKGetsATokenWithASecret(t *testing.T) { // TK-13
	for sentence, authority := range map[string]string{
		"by the public name": login,
		"by the local name":  "https://login.microsoftonline.com.lanyard.localhost:4140",
	} {
		t.Run(sentence, func(t *testing.T) {
			w := start(t)
			credential, err := azidentity.NewClientSecretCredential(string(tenant), string(w.app.Client), w.secret.Open(),
				&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{
					Transport: w.client, Cloud: azurecloud.Configuration{ActiveDirectoryAuthorityHost: authority},
				}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}, EnableCAE: true})
			if err != nil {
				t.Fatal(err)
			}
			claims := verify(t, w, got.Token, vault)
			if claims["oid"] != string(w.app.ID) || claims["appid"] != string(w.app.Client) || claims["appidacr"] != "1" {
				t.Errorf("the token speaks for %v", claims)
			}
			if said, _ := claims["xms_cc"].([]any); len(said) != 1 || said[0] != "CP1" {
				t.Errorf("xms_cc is %v, want CP1", claims["xms_cc"])
			}
			if left := got.ExpiresOn.Sub(w.now()).Minutes(); left < 59 || left > 61 {
				t.Errorf("it lives for %v minutes, want 60", left)
			}
		})
	}
}

func TestTheAzureSDKShowsWhyItWasRefused(t *testing.T) {
	w := start(t)
	credential, err := azidentity.NewClientSecretCredential(string(tenant), string(w.app.Client), "wrong",
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: w.client}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}})
	if err == nil || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("the credential says %v", err)
	}
}

func TestTheAzureSDKRefusesAForeignTenant(t *testing.T) {
	w := start(t)
	credential, err := azidentity.NewClientSecretCredential("99999999-0000-4000-8000-000000000009", string(w.app.Client), w.secret.Open(),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: w.client}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vault + "/.default"}}); err == nil {
		t.Error("a token came from a tenant that does not exist")
	}
}

// form spells a good request of the application, with changes; "" takes a parameter away.
func (w *world) form(changes ...string) string {
	v := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {string(w.app.Client)},
		"client_secret": {w.secret.Open()}, "scope": {vault + "/.default"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if v.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			v.Del(changes[i])
		}
	}
	return v.Encode()
}
