package cloud

import "strings"

// Profile is one cloud's public names and issuer: what apps have in their code and tokens in
// their claims.
type Profile struct {
	Name          string
	Authority     string // host of the token endpoint
	Management    string // host of the management API
	Graph         string // host of the directory API
	VaultSuffix   string // what follows a vault's name and a dot
	ConsoleSuffix string // what follows a location and a dot: where container apps' logs are streamed
	IssuerBase    string // the tenant and a slash follow
	Workloads     string // host of the issuer of workloads' own tokens
	Domain        string // the tenant's verified one: people sign in under it, and paths may name the tenant by it
}

// Azure is the twin of Azure's public cloud: production host names work unchanged inside the
// environments that Lanyard prepares.
var Azure = Profile{
	Name:          "AzureCloud",
	Authority:     "login.microsoftonline.com",
	Management:    "management.azure.com",
	Graph:         "graph.microsoft.com",
	VaultSuffix:   "vault.azure.net",
	ConsoleSuffix: "azurecontainerapps.dev",
	IssuerBase:    "https://sts.windows.net/",
	Workloads:     "oidc." + LocalDomain,
	Domain:        LocalDomain,
}

// Issuer gives the iss claim of a tenant's v1 tokens (wire-facts: "Managed identity access token").
func (p Profile) Issuer(t TenantID) string { return p.IssuerBase + string(t) + "/" }

// WorkloadIssuer gives the iss claim of workloads' own tokens, which has the form of AKS's.
func (p Profile) WorkloadIssuer(t TenantID) string {
	return "https://" + p.Workloads + "/" + string(t) + "/"
}

// IssuerTwo gives the iss claim of a tenant's v2.0 tokens (same heading).
func (p Profile) IssuerTwo(t TenantID) string {
	return "https://" + p.Authority + "/" + string(t) + "/v2.0"
}

// VaultHost gives a vault's host name.
func (p Profile) VaultHost(vault string) string { return strings.ToLower(vault) + "." + p.VaultSuffix }

// ConsoleHost gives the host name at which the logs of a location's container apps are streamed.
func (p Profile) ConsoleHost(location string) string {
	return strings.ToLower(location) + "." + p.ConsoleSuffix
}

// LocalDomain holds a second name for every service, for use outside prepared environments: names
// under localhost lead to loopback without any set-up (RFC 6761 section 6.3).
const LocalDomain = "lanyard.localhost"

// Public gives the public name behind a local one: hello-kv.vault.azure.net for
// hello-kv.vault.azure.net.lanyard.localhost. Other names come back in lower case, unchanged.
func (p Profile) Public(host string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), "."+LocalDomain)
}

// Serves reports whether a host name belongs to this cloud: requests for it never leave the machine.
func (p Profile) Serves(host string) bool {
	host = p.Public(host)
	return host == p.Authority || host == "login.windows.net" || host == "login.microsoft.com" || host == "sts.windows.net" ||
		host == p.Management || host == "management.core.windows.net" || host == p.Graph ||
		strings.HasSuffix(host, "."+p.VaultSuffix) || p.ConsoleSuffix != "" && strings.HasSuffix(host, "."+p.ConsoleSuffix)
}

// HostName gives the name in a Host header: in lower case, without port, brackets and final dot.
func HostName(header string) string {
	host := header
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') && (host[0] == '[' || strings.Count(host, ":") == 1) {
		host = host[:at]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
