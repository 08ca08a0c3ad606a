package platform

import (
	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// prepare gives a replica's environment: how its token endpoint is found, and the way on which Azure's
// names lead here.
func (p *Platform) prepare(r *host.Replica) []string {
	way := p.place.environment()
	way.User, way.Password = r.Name, r.Proxy
	all := append(way.Variables(),
		"CONTAINER_APP_NAME="+r.App.Name(), "CONTAINER_APP_REVISION="+r.Revision, "CONTAINER_APP_REPLICA_NAME="+r.Name)
	if r.MSIDisabled {
		return all
	}
	return append(all, p.endpoint(r)...)
}

// endpoint gives the variables by which the SDKs tell one of Azure's hosts from another and find the
// token endpoint there (wire-facts: "Environment variables and precedence"). Those of workloads come with
// their token.
func (p *Platform) endpoint(r *host.Replica) []string {
	own := "http://" + p.Address() + "/r/" + r.Name + "/msi/token"
	way := "http://" + p.Address() + "/r/" + r.Way.Open()
	older := []string{"MSI_ENDPOINT=" + own, "MSI_SECRET=" + r.Header.Open()}
	switch r.Source {
	case host.SourceAppService2017:
		older = append(older, "APPSETTING_WEBSITE_SITE_NAME="+r.App.Name())
		if id, ok := implied(r); ok {
			older = append(older, "DEFAULT_IDENTITY_CLIENT_ID="+string(id))
		}
		return older
	case host.SourceIMDS:
		return []string{"AZURE_POD_IDENTITY_AUTHORITY_HOST=" + way}
	case host.SourceArc:
		return []string{"IDENTITY_ENDPOINT=" + way + "/metadata/identity/oauth2/token", "IMDS_ENDPOINT=" + way}
	case host.SourceWorkload:
		return nil
	}
	return append(older, "IDENTITY_ENDPOINT="+own, "IDENTITY_HEADER="+r.Header.Open())
}

// implied gives the client id of the identity that is meant where none is named: the replica's own, or
// the only one there is.
func implied(r *host.Replica) (cloud.ClientID, bool) {
	var open []cloud.Identity
	for _, id := range r.Identities() {
		if !id.Lifecycle.Opens(r.Init) {
			continue
		}
		if id.Kind == cloud.SystemAssigned {
			return id.Client, true
		}
		open = append(open, id)
	}
	if len(open) != 1 {
		return "", false
	}
	return open[0].Client, true
}
