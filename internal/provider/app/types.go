// Package app describes container apps and the environments they lie in.
//
// It must not know how an app is run: it writes what should run, and whoever runs apps follows that.
package app

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// The types of this namespace.
const (
	Environments = "Microsoft.App/managedEnvironments"
	Apps         = "Microsoft.App/containerApps"
	Revisions    = "Microsoft.App/containerApps/revisions"
)

// Resources finds stored documents.
type Resources interface {
	Document(cloud.ID) (*arm.Document, bool)
	Documents(prefix cloud.ID, resourceType string) []*arm.Document
}

// Entries reads and writes the store for the actions that change an app.
type Entries interface {
	Get(ctx context.Context, key string) (store.Entry, error)
	Commit(ctx context.Context, changes ...store.Change) (int64, error)
}

// Deps is what the rows need.
type Deps struct {
	Resources Resources
	Store     Entries
	Tenant    cloud.TenantID
	// Await returns when the management API can see a revision of the store; nil waits for nothing.
	Await func(ctx context.Context, revision int64) error
	// Attach answers the action by which a caller runs the app's process itself; nil does not offer it.
	Attach func(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error
	// Logs answers with the app's console; nil does not offer it.
	Logs func(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // nil means crypto/rand
}

func (d Deps) now() time.Time {
	if d.Now == nil {
		return time.Now().UTC()
	}
	return d.Now().UTC()
}

func (d Deps) rand() io.Reader {
	if d.Rand == nil {
		return rand.Reader
	}
	return d.Rand
}

var versions = []string{
	"2026-01-01", "2025-10-02-preview", "2025-07-01", "2025-02-02-preview", "2025-01-01", "2024-10-02-preview",
	"2024-08-02-preview", "2024-03-01", "2024-02-02-preview", "2023-11-02-preview", "2023-08-01-preview",
	"2023-05-02-preview", "2023-05-01", "2023-04-01-preview", "2023-02-01", "2022-11-01-preview", "2022-10-01",
	"2022-06-01-preview", "2022-03-01", "2022-01-01-preview",
}

// Rows gives the rows of Microsoft.App.
func Rows(d Deps) []arm.Row {
	apps := containerApp{Deps: d}
	return []arm.Row{
		{
			Type:      Environments,
			Versions:  versions,
			Name:      environmentName,
			At:        arm.InGroup,
			Tracked:   true,
			Async:     true,
			Behaviour: environment{Deps: d},
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
}

// The running states of an app that its document keeps.
const (
	running = "Running"
	stopped = "Stopped"
)

// appProperties are what this package reads back from a container app's properties.
type appProperties struct {
	EnvironmentID       string   `json:"environmentId"`
	RunningStatus       string   `json:"runningStatus"`
	LatestRevisionName  string   `json:"latestRevisionName"`
	RevisionCreatedTime string   `json:"revisionCreatedTime"` // of the latest one; not shown on the app itself
	Template            template `json:"template"`
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
