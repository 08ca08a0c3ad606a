// Package app describes container apps and the environments they lie in.
//
// It must not know how an app is run: it writes what should run, and whoever runs apps follows that.
package app

import (
	"context"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider"
)

// The types of this namespace.
const (
	Environments = "Microsoft.App/managedEnvironments"
	Apps         = "Microsoft.App/containerApps"
	Revisions    = "Microsoft.App/containerApps/revisions"
	Replicas     = "Microsoft.App/containerApps/revisions/replicas"
)

// Deps is what the rows need.
type Deps struct {
	provider.Deps
	// Attach answers the action by which a caller runs the app's process itself; nil does not offer it.
	Attach func(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error
	// Logs answers with the app's console; nil does not offer it.
	Logs func(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error
	// Ticket gives a token for the app's log stream, and when it expires; nil does not offer it.
	Ticket func(app cloud.ID) (string, time.Time, error)
	// Streams is the host that streams logs.
	Streams func(location string) string
	// Replicas gives the living replicas of an app; nil gives none.
	Replicas func(app cloud.ID) []Replica
}

// Replica is a living replica, as whoever runs apps knows it.
type Replica struct {
	Name     string
	Revision string
	Started  time.Time
	Restarts int // how often the revision's command ended before this run
}

var versions = []string{
	"2026-01-01", "2025-10-02-preview", "2025-07-01", "2025-02-02-preview", "2025-01-01", "2024-10-02-preview",
	"2024-08-02-preview", "2024-03-01", "2024-02-02-preview", "2023-11-02-preview", "2023-08-01-preview",
	"2023-05-02-preview", "2023-05-01", "2023-04-01-preview", "2023-02-01", "2022-11-01-preview", "2022-10-01",
	"2022-06-01-preview", "2022-03-01", "2022-01-01-preview",
}

// Rows gives the rows of Microsoft.App.
func Rows(d Deps) []arm.Row {
	apps, environments := containerApp{Deps: d}, environment{Deps: d}
	rows := []arm.Row{
		{
			Type:      Environments,
			Versions:  versions,
			Name:      environmentName,
			At:        arm.InGroup,
			Tracked:   true,
			Identity:  true,
			Async:     true,
			Behaviour: environments,
			Actions: map[string]arm.Action{
				"checknameavailability": {Needs: Environments + "/checkNameAvailability/action", Do: environments.checkName},
			},
		},
		{
			Type:      Apps,
			Versions:  versions,
			Name:      appName,
			At:        arm.InGroup,
			Tracked:   true,
			Identity:  true,
			Async:     true,
			Behaviour: apps,
			Actions:   apps.actions(),
		},
		{
			Type:      Revisions,
			Versions:  versions,
			Behaviour: revision{resources: d.Resources},
		},
	}
	if d.Replicas != nil {
		rows = append(rows, arm.Row{Type: Replicas, Versions: versions, Behaviour: replica{Deps: d}})
	}
	for _, name := range absent {
		rows = append(rows, arm.Row{Type: name, Absent: true})
	}
	return rows
}

// absent are the types and operations of this namespace that are known here by name only.
var absent = []string{
	"Microsoft.App/builders", "Microsoft.App/connectedEnvironments", "Microsoft.App/functions",
	"Microsoft.App/getCustomDomainVerificationId", "Microsoft.App/jobs", "Microsoft.App/locations", "Microsoft.App/logicApps",
	"Microsoft.App/operations", "Microsoft.App/sessionPools",
	Apps + "/authConfigs", Apps + "/builds", Apps + "/detectorProperties", Apps + "/detectors", Apps + "/labelHistory",
	Apps + "/listCustomHostNameAnalysis", Apps + "/patches", Apps + "/resiliencyPolicies", Apps + "/sourceControls",
	Revisions + "/activate", Revisions + "/deactivate", Revisions + "/restart",
	Environments + "/certificates", Environments + "/daprComponents", Environments + "/daprSubscriptions", Environments + "/detectorProperties",
	Environments + "/detectors", Environments + "/dotNetComponents", Environments + "/getAuthToken", Environments + "/httpRouteConfigs",
	Environments + "/javaComponents", Environments + "/maintenanceConfigurations", Environments + "/managedCertificates",
	Environments + "/privateEndpointConnections", Environments + "/privateLinkResources", Environments + "/storages", Environments + "/usages",
	Environments + "/workloadProfileStates",
}

// The running states of an app that its document keeps.
const (
	running = "Running"
	stopped = "Stopped"
)

// appProperties are what this package reads back from a container app's properties.
type appProperties struct {
	EnvironmentID       string `json:"environmentId"`
	RunningStatus       string `json:"runningStatus"`
	LatestRevisionName  string `json:"latestRevisionName"`
	RevisionCreatedTime string `json:"revisionCreatedTime"` // of the latest one; not shown on the app itself
	// RevisionIdentities are those worn when the latest one was made; null in documents that were written
	// before this was kept, and not shown either.
	RevisionIdentities []cloud.PrincipalID `json:"revisionIdentities"`

	Template      template `json:"template"`
	Configuration struct {
		IdentitySettings []setting `json:"identitySettings"`
	} `json:"configuration"`
}

// environmentProperties are what this package reads back from an environment's properties.
type environmentProperties struct {
	DefaultDomain string `json:"defaultDomain"`
}

type template struct {
	Containers     []container `json:"containers"`
	RevisionSuffix string      `json:"revisionSuffix"`
	Scale          scale       `json:"scale"`
}

type container struct {
	Name    string    `json:"name"`
	Image   string    `json:"image"`
	Command []string  `json:"command"`
	Args    []string  `json:"args"`
	Env     []envVar  `json:"env"`
	Limits  resources `json:"resources"`
}

type envVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type resources struct {
	CPU    float64 `json:"cpu"`
	Memory string  `json:"memory"`
}

type scale struct {
	MinReplicas     *int `json:"minReplicas"`
	MaxReplicas     *int `json:"maxReplicas"`
	CooldownPeriod  *int `json:"cooldownPeriod"`
	PollingInterval *int `json:"pollingInterval"`
}
