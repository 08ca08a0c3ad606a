package entra

import (
	"net/url"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// publicClient is an app that people sign in to and that has no credential of its own.
type publicClient struct {
	ID   cloud.ClientID
	Name string
	// Family is the foci of its answers: apps of one family may use each other's refresh tokens.
	Family string
}

// publicClients are those of Microsoft's tools that every tenant knows (wire-facts: "Device code";
// the same one stands for the SDKs' own developer sign-in).
func publicClients() []publicClient {
	return []publicClient{
		{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", "1"},
		{"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", "1"},
		{"aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code", "1"},
		{"872cd9fa-d31f-45e0-9eab-6e460a02d1f1", "Visual Studio", "1"},
	}
}

// public gives the public client of an id, and says why when it is none.
func (d *Door) public(id string) (publicClient, error) {
	if id == "" {
		return publicClient{}, missing("client_id")
	}
	client := cloud.ClientID(strings.ToLower(id))
	for _, c := range publicClients() {
		if c.ID == client {
			return c, nil
		}
	}
	if _, known := d.Directory.ByClient(client); known {
		return publicClient{}, refuse(50011, "The redirect URI specified in the request does not match the redirect URIs configured for the application '%s'. Lanyard lets people sign in to Microsoft's own tools; applications of this tenant have no redirect URIs here.", client)
	}
	return publicClient{}, d.unknown(id)
}

func (d *Door) unknown(client string) error {
	return refuse(700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
		fault.Clip(client), d.Tenant)
}

// isLoopback reports whether a redirect URI leads to the machine on which the browser runs, at any
// port: the only kind that the tools listen on (RFC 8252 section 7.3). IPv6 is not offered in Azure
// either.
func isLoopback(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
		strings.Contains(redirect, "#") || u.Path != "" && u.Path != "/" {
		return false
	}
	return u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"
}
