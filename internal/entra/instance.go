package entra

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// instance is the answer to instance discovery (wire-facts: "Instance discovery").
type instance struct {
	Discovery string    `json:"tenant_discovery_endpoint"`
	Version   string    `json:"api-version"`
	Metadata  []network `json:"metadata"`
}

// network is one authority with all its names.
type network struct {
	Network string   `json:"preferred_network"`
	Cache   string   `json:"preferred_cache"`
	Aliases []string `json:"aliases"`
}

// discoverInstance says whether an authority is to be trusted: this one is, by any of its names.
func (d *Door) discoverInstance(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	asked := query.Get("authorization_endpoint")
	if asked == "" {
		return missing("authorization_endpoint")
	}
	at, err := url.Parse(asked)
	if err != nil || at.Scheme != "https" || !d.isOurs(at.Hostname()) {
		return refuse(50049, "Unknown or invalid instance.").Try("an authority on https://%s", d.Profile.Authority)
	}
	named, _, _ := strings.Cut(strings.TrimPrefix(at.Path, "/"), "/")
	home, err := d.tenant(named)
	if err != nil {
		return err
	}
	version := query.Get("api-version")
	if version != "1.0" {
		version = "1.1"
	}
	return httpkit.WriteJSON(w, http.StatusOK, instance{
		Discovery: d.authority(at.Host) + "/" + home + "/v2.0/.well-known/openid-configuration",
		Version:   version,
		Metadata:  d.networks(strings.ToLower(at.Host)),
	})
}

// networks lists the authority's names, and the local one by which it was asked for.
func (d *Door) networks(host string) []network {
	public := network{Network: d.Profile.Authority, Cache: d.Profile.Authority, Aliases: []string{d.Profile.Authority}}
	if d.Profile.Authority == cloud.Azure.Authority {
		public.Cache = "login.windows.net"
		public.Aliases = azureAliases()
	}
	list := []network{public}
	if !slices.Contains(public.Aliases, host) {
		list = append(list, network{Network: host, Cache: host, Aliases: []string{host}})
	}
	return list
}

func azureAliases() []string {
	return []string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}
}

func (d *Door) isOurs(host string) bool {
	public := d.Profile.Public(host)
	return public == d.Profile.Authority ||
		d.Profile.Authority == cloud.Azure.Authority && slices.Contains(azureAliases(), public)
}
