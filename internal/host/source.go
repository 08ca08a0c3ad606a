package host

import "strings"

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

// MSIDisabled reports whether an environment, each NAME=value, turns the token service off; of several
// values the last counts (TK-7, wire-facts: "Microsoft.Web").
func MSIDisabled(env []string) (off bool) {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "WEBSITE_DISABLE_MSI="); ok {
			off = value == "1" || strings.EqualFold(value, "true")
		}
	}
	return off
}
