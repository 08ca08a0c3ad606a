package script

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/golang-jwt/jwt/v5"
)

// verifyByDiscovery verifies a token as a stranger would: with a JOSE library that Lanyard does
// not use, from the discovery document and the key set alone.
func verifyByDiscovery(m *machine, token string) error {
	client, err := m.stranger()
	if err != nil {
		return err
	}
	var claims jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return err
	}
	tenant, _ := claims["tid"].(string)
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := fetch(client, "https://login.microsoftonline.com/"+tenant+"/.well-known/openid-configuration", &discovery); err != nil {
		return err
	}
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := fetch(client, discovery.Keys, &set); err != nil {
		return err
	}
	_, err = jwt.Parse(token, func(t *jwt.Token) (any, error) {
		for _, k := range set.Keys {
			if k.Kid == t.Header["kid"] {
				n, err := base64.RawURLEncoding.DecodeString(k.N)
				if err != nil {
					return nil, err
				}
				e, err := base64.RawURLEncoding.DecodeString(k.E)
				return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, err
			}
		}
		return nil, errors.New("the key set has no such key")
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(discovery.Issuer), jwt.WithExpirationRequired())
	return err
}

// stranger gives a client that knows the port and the local authority's certificate, nothing else.
func (m *machine) stranger() (*http.Client, error) {
	state := filepath.Join(m.dir, "state")
	var seat struct{ Address string }
	b, err := os.ReadFile(filepath.Join(state, "seat.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &seat); err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(filepath.Join(state, "ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, seat.Address)
		},
	}}, nil
}

func fetch(client *http.Client, url string, into any) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
