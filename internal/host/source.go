package host

import (
	"strings"

	"lanyard/internal/cloud"
)

// Source is one of Azure's hosts, by how an app there finds its token endpoint (wire-facts:
// "Environment variables and precedence").
type Source string

// The sources there are.
const (
	SourceAppService     Source = "app-service"      // IDENTITY_ENDPOINT, IDENTITY_HEADER and their forerunners
	SourceAppService2017 Source = "app-service-2017" // MSI_ENDPOINT, MSI_SECRET
	SourceIMDS           Source = "imds"             // a virtual machine's instance metadata
	SourceArc            Source = "arc"              // a machine of one's own, with Azure's agent
	SourceWorkload       Source = "workload"         // a pod with a token that is exchanged for another
)

// Sources are all sources, the default first.
var Sources = []Source{SourceAppService, SourceAppService2017, SourceIMDS, SourceArc, SourceWorkload}

// disable is the variable by which an app has no token service (wire-facts: "App Service").
const disable = "WEBSITE_DISABLE_MSI"

// disabled reports whether an environment turns the token service off.
func disabled(env []cloud.Variable) (off bool) {
	for _, v := range env {
		if v.Name == disable { // the last one counts
			off = v.Value == "1" || strings.EqualFold(v.Value, "true")
		}
	}
	return off
}
