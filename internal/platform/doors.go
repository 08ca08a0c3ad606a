package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/dataplane/vault"
	"lanyard/internal/entra"
	"lanyard/internal/entra/graph"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/msi"
	"lanyard/internal/provider"
	"lanyard/internal/provider/app"
	"lanyard/internal/provider/authorization"
	"lanyard/internal/provider/insights"
	"lanyard/internal/provider/keyvault"
	"lanyard/internal/provider/managedidentity"
	"lanyard/internal/provider/resources"
)

// rows are the resource types, a line for each namespace.
func (p *Platform) rows() []arm.Row {
	tenant, now := p.deed.Tenant, p.config.Now
	deps := provider.Deps{Resources: p.arm, Store: p.store, Tenant: tenant, Await: p.arm.Await, Now: now}
	var all []arm.Row
	all = append(all, resources.Rows(tenant)...)
	all = append(all, authorization.Rows(authorization.Deps{
		Directory: p.directory, Resources: p.arm, Store: p.store, Tenant: tenant, Now: now,
	})...)
	all = append(all, managedidentity.Rows(managedidentity.Deps{Deps: deps, Directory: p.directory, FederatedLimit: p.config.FederatedLimit})...)
	all = append(all, insights.Rows(insights.Deps{Records: p.history, Next: p.arm.NextLink})...)
	all = append(all, app.Rows(app.Deps{Deps: deps, Attach: p.attach, Logs: p.logs,
		Ticket: p.streams.Issue, Streams: cloud.Azure.ConsoleHost, Replicas: p.replicas})...)
	all = append(all, keyvault.Rows(keyvault.Deps{Deps: deps, Box: p.box, Profile: cloud.Azure, Age: p.clock.Age})...)
	return all
}

// openDoors mounts every door under the host names it answers to, and begins to serve.
func (p *Platform) openDoors(ctx context.Context) error {
	login := p.entraDoor()
	signIn := mounted(login.Routes)
	named := map[string]http.Handler{
		cloud.Azure.Management:                    p.arm,
		"management.core.windows.net":             p.arm,
		cloud.Azure.Graph:                         p.graphDoor().Handler(),
		ControlHost:                               mounted(p.controlRoutes),
		cloud.Azure.Authority:                     signIn,
		cloud.Azure.Public(cloud.Azure.Workloads): mounted(login.WorkloadRoutes),
		"login.microsoft.com":                     signIn,
		"login.windows.net":                       signIn,
		"sts.windows.net":                         signIn,
	}
	vault := p.vaultDoor()
	vaults, streams := mounted(vault.Routes), mounted(p.streams.Routes)
	absent := httpkit.Door{Name: "absent", Speak: arm.Speak, Log: p.log}.Serve(absent)
	p.edge.Services = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := hostName(r.Host)
		switch door := named[name]; {
		case door != nil:
			door.ServeHTTP(w, r)
		case strings.HasSuffix(name, "."+cloud.Azure.VaultSuffix):
			vaults.ServeHTTP(w, r)
		case strings.HasSuffix(name, "."+cloud.Azure.ConsoleSuffix):
			streams.ServeHTTP(w, r)
		default:
			absent.ServeHTTP(w, r)
		}
	})
	identities := p.msiDoor().Handler()
	p.edge.Plain = p.plain(identities, login.Pages())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stopDoors = stop
	p.serveMetadata(running, identities)
	p.keep(running, &p.doors, "vaults' sweep", vault.Run)
	p.keep(running, &p.doors, "sweep of vaults that are gone", keyvault.Sweeper{Store: p.store, Profile: cloud.Azure, Now: p.config.Now, Log: p.log}.Run)
	p.keep(running, &p.doors, "sweep of sign-ins", login.Run)
	p.keep(running, &p.doors, "edge", func(ctx context.Context) error { return p.edge.Serve(ctx, p.listener) })
	return nil
}

// plain serves the sign-in pages under a name of their own, without TLS: the developer's browser does
// not trust the local authority, and what goes to loopback stays on this machine.
func (p *Platform) plain(identities, pages http.Handler) http.Handler {
	page := p.signInHost()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == page {
			pages.ServeHTTP(w, r)
			return
		}
		identities.ServeHTTP(w, r)
	})
}

// signInHost is where browsers sign people in: host and port.
func (p *Platform) signInHost() string { return signInHost(p.Address()) }

func signInHost(address string) string {
	return "login." + cloud.LocalDomain + ":" + portOf(address)
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func mounted(routes func(*http.ServeMux)) http.Handler {
	mux := http.NewServeMux()
	routes(mux)
	return mux
}

// hostName gives the public name that a Host header means.
func hostName(host string) string {
	if host = cloud.HostName(host); host == ControlHost {
		return ControlHost
	}
	return cloud.Azure.Public(host)
}

// absent answers for names of this cloud that no door serves.
func absent(_ http.ResponseWriter, r *http.Request) error {
	return fault.New(fault.NotOffered, "ServiceNotOffered", "Lanyard does not offer %s.", r.Host)
}

func (p *Platform) entraDoor() *entra.Door {
	return &entra.Door{
		Issuer: p.issuer, Directory: p.directory, Store: p.store, Profile: cloud.Azure, Tenant: p.deed.Tenant,
		Page: "http://" + p.signInHost(), Port: portOf(p.Address()), Age: p.clock.Age, Now: p.config.Now, Log: p.log,
		Belonging: p.directory.Belonging, Federated: p.directory.Federated, Trusted: p.trustedIssuers(),
		ForeignOnce: p.config.FederatedOnce, Revoked: p.directory.Revoked,
		Record: p.signIns.Record, Refused: p.signIns.Refuse,
	}
}

func (p *Platform) graphDoor() *graph.Door {
	guard := p.guardFor(graph.Audiences(cloud.Azure))
	return &graph.Door{
		Store: p.store, Directory: p.directory, Identify: guard.Identify, Profile: cloud.Azure, Tenant: p.deed.Tenant,
		Founder: p.owner.Principal, FederatedLimit: p.config.FederatedLimit, Now: p.config.Now, Log: p.log,
		Permit: func(ctx context.Context, caller cloud.Caller, action string, at cloud.ID) error {
			return guard.Permit(ctx, caller, action, false, at)
		},
	}
}

func (p *Platform) msiDoor() *msi.Door {
	return &msi.Door{
		Hosts: p.host, Issuer: p.issuer, Directory: p.directory, Address: p.Address(), Names: p.metadataHosts(), Keys: p.keyFiles,
		Drills: p.drills.set, Timing: p.clock.Timing, Age: p.clock.Age, Now: p.config.Now, Log: p.log,
		Record: p.signIns.Record, Delivered: p.signIns.Delivered, Refused: p.signIns.Refuse,
		Limits: p.config.IMDSLimits,
	}
}

func (p *Platform) vaultDoor() *vault.Door {
	return &vault.Door{
		Store: p.store, View: p.secrets, Box: p.box, Guard: p.guardFor(vault.Audiences(cloud.Azure)), Profile: cloud.Azure,
		Tenant: p.deed.Tenant, Age: p.clock.Age, Now: p.config.Now, Log: p.log,
		Vault: p.vaultOf, Await: p.arm.Await,
	}
}

// replicas gives the living replicas of an app whose processes run here.
func (p *Platform) replicas(id cloud.ID) []app.Replica {
	var all []app.Replica
	for _, r := range p.host.Replicas(id) {
		all = append(all, app.Replica{Name: r.Name, Revision: r.Revision, Started: r.Started, Restarts: r.Restarts})
	}
	return all
}

// vaultOf gives the vault behind a host name.
func (p *Platform) vaultOf(host string) (vault.Vault, bool) {
	d, ok := p.arm.ByHost(hostName(host))
	if !ok || d.Deleting != "" {
		return vault.Vault{}, false
	}
	var v struct {
		Days      int  `json:"softDeleteRetentionInDays"`
		Protected bool `json:"enablePurgeProtection"`
	}
	if err := json.Unmarshal(d.Properties, &v); err != nil {
		return vault.Vault{}, false
	}
	return vault.Vault{ID: d.ID, Name: d.Name, Location: d.Location, RetentionDays: v.Days, PurgeProtected: v.Protected, Revision: d.Revision}, true
}
