// Package resources describes subscriptions and resource groups.
//
// It must not know what lies in them.
package resources

import (
	"lanyard/internal/arm"
	"lanyard/internal/cloud"
)

// The types of this namespace.
const (
	Subscriptions  = "Microsoft.Resources/subscriptions"
	ResourceGroups = "Microsoft.Resources/resourceGroups"
)

// Rows gives the rows of Microsoft.Resources in one tenant.
func Rows(tenant cloud.TenantID) []arm.Row {
	rows := []arm.Row{
		{
			Type:      Subscriptions,
			Versions:  subscriptionVersions,
			Name:      subscriptionName,
			At:        arm.InTenant,
			Behaviour: subscription{tenant: tenant},
		},
		{
			Type:      ResourceGroups,
			Versions:  groupVersions,
			Name:      groupName,
			At:        arm.InSubscription,
			Tracked:   true,
			Behaviour: group{},
		},
	}
	for _, name := range absent {
		rows = append(rows, arm.Row{Type: "Microsoft.Resources/" + name, Absent: true})
	}
	return rows
}

// absent are the types and operations of this namespace that are known here by name only.
var absent = []string{
	"builtInTemplateSpecs", "calculateTemplateHash", "checkResourceName", "checkZonePeers", "decompileBicep", "deployments", "deploymentScripts",
	"deploymentStacks", "links", "operations", "tags", "templateSpecs",
}

var subscriptionVersions = []string{
	"2022-12-01", "2021-10-01", "2021-01-01", "2020-01-01", "2019-11-01", "2019-06-01", "2019-05-01",
	"2019-03-01", "2018-06-01", "2016-06-01", "2016-02-01", "2015-11-01", "2015-01-01", "2014-04-01",
}

var groupVersions = []string{
	"2025-04-01", "2025-03-01", "2024-11-01", "2024-07-01", "2024-03-01", "2023-07-01", "2022-12-01", "2022-09-01",
	"2022-05-01", "2022-01-01", "2021-04-01", "2021-01-01", "2020-10-01", "2020-08-01", "2020-06-01", "2020-05-01",
	"2020-01-01", "2019-11-01", "2019-10-01", "2019-09-01", "2019-08-01", "2019-07-01", "2019-06-01", "2019-05-10",
	"2019-05-01", "2019-03-01", "2018-11-01", "2018-09-01", "2018-08-01", "2018-07-01", "2018-06-01", "2018-05-01",
	"2018-02-01", "2018-01-01", "2017-12-01", "2017-08-01", "2017-06-01", "2017-05-10", "2017-05-01", "2017-03-01",
	"2016-09-01", "2016-07-01", "2016-06-01", "2016-02-01", "2015-11-01", "2015-01-01", "2014-04-01",
}
