package msi

import (
	"slices"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// means is what a selector's value is.
type means int

const (
	clientID means = iota + 1
	objectID
	resourceID
)

// protocol is one way in which an app asks for tokens: its rules, and how it is answered.
type protocol struct {
	name     string   // in records
	versions []string // api-versions
	// header carries the replica's secret, in its canonical spelling; "" where the way or the caller's
	// process says which replica asks, and Metadata is wanted instead.
	header string
	// selectors name a user-assigned identity.
	selectors map[string]means
	// sole has an app's only user-assigned identity meant when the app has no system-assigned one and
	// none is named.
	sole bool
	// either has a selector name the system-assigned identity, too.
	either bool
	// renews has the client name a token that was refused, and what it understands.
	renews bool
	// keyed wants a key from a file that only processes of the replica can read.
	keyed bool
	// limited holds callers to the limits of IMDS.
	limited bool
	// absent is the sentence that clients know where the app has no such identity.
	absent string
}

var appServiceSelectors = map[string]means{
	"client_id": clientID, "principal_id": objectID, "object_id": objectID, "mi_res_id": resourceID, "msi_res_id": resourceID,
}

// Java's library names a resource as at App Service.
var metadataSelectors = map[string]means{"client_id": clientID, "object_id": objectID, "msi_res_id": resourceID, "mi_res_id": resourceID}

// The protocols, all of them (wire-facts: "Requests", "Errors").
var (
	appService2019 = &protocol{
		name: "AppService 2019-08-01", versions: []string{"2019-08-01"}, header: "X-Identity-Header", selectors: appServiceSelectors,
		absent: "Unable to load the proper Managed Identity.",
	}
	// Azure ML speaks it too, and its clients name the system-assigned identity when that is meant. A
	// clientid that is empty is none.
	appService2017 = &protocol{
		name: "AppService 2017-09-01", versions: []string{"2017-09-01"}, header: "Secret", selectors: map[string]means{"clientid": clientID},
		either: true, absent: "Unable to load requested managed identity.",
	}
	appService2025 = &protocol{
		name: "AppService 2025-03-30", versions: []string{"2025-03-30"}, header: "X-Identity-Header", selectors: appServiceSelectors,
		renews: true, absent: "Unable to load the proper Managed Identity.",
	}
	imds = &protocol{
		name: "IMDS", versions: imdsVersions, selectors: metadataSelectors, sole: true, limited: true, absent: "Identity not found",
	}
	arc = &protocol{
		name: "Arc", versions: []string{"2020-06-01", "2019-11-01"}, selectors: metadataSelectors, keyed: true, absent: "Identity not found",
	}
)

// imdsVersions are those that were published since tokens are served.
var imdsVersions = []string{
	"2018-02-01", "2018-04-02", "2018-10-01", "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04", "2019-08-01",
	"2019-08-15", "2019-11-01", "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01", "2020-12-01", "2021-01-01", "2021-02-01",
	"2021-03-01", "2021-05-01", "2021-10-01", "2021-11-01", "2021-11-15", "2021-12-13", "2023-07-01",
}

// family is the protocols that share a path: the api-version tells them apart.
type family []*protocol

var (
	appService = family{appService2019, appService2017, appService2025}
	metadata   = family{imds}
	himds      = family{arc}
)

// spoken gives the family in which a replica is answered at the path of IMDS, which is Arc's too.
func spoken(r *host.Replica) family {
	if r.Source == host.SourceArc {
		return himds
	}
	return metadata
}

// protocol gives the one of an api-version.
func (f family) protocol(version string) (*protocol, error) {
	var known []string
	for _, p := range f {
		if slices.Contains(p.versions, version) {
			return p, nil
		}
		known = append(known, p.versions...)
	}
	what := "is missing"
	if version != "" {
		what = "'" + fault.Clip(version) + "' is not supported"
	}
	if version == "2019-07-01-preview" || version == "2020-05-01" && f[0] == appService2019 {
		what += ", as Service Fabric's protocol is not offered"
	}
	slices.Sort(known)
	return nil, fault.New(fault.Invalid, codeVersion, "The api-version %s; supported are %s.", what, strings.Join(known, ", "))
}
