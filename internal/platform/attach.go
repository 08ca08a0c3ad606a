package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// Attaching is the body of an attach request: as what the caller runs the app's process. An absent body
// is the zero value.
type Attaching struct {
	Source    host.Source    `json:"source,omitempty"`    // "" is app-service
	Container string         `json:"container,omitempty"` // "init" or "main"; "" is main
	Client    cloud.ClientID `json:"clientId,omitempty"`  // whom source workload speaks for
	// Unattested leaves whoever calls as the replica unattested.
	Unattested bool `json:"unattested,omitempty"`
	// MSIDisabled leaves the replica without a token service, as WEBSITE_DISABLE_MSI does (TK-7).
	MSIDisabled bool `json:"msiDisabled,omitempty"`
}

// Attached is the first line of an attach answer: the environment of the new replica.
type Attached struct {
	Replica     string   `json:"replica"`
	Environment []string `json:"environment"`
	Unattested  string   `json:"unattested,omitempty"` // why callers are not attested
}

// readAttaching reads the body of an attach request and refuses what there is not.
func (p *Platform) readAttaching(r *http.Request) (a Attaching, err error) {
	if err := readOrder(r, &a); err != nil {
		return a, err
	}
	if a.Source == "" {
		a.Source = host.SourceAppService
	}
	switch {
	case !slices.Contains(host.Sources, a.Source):
		return a, fault.New(fault.Invalid, "InvalidSource", "There is no source '%s': there are %s.", fault.Clip(string(a.Source)), listed(host.Sources))
	case a.Container != "" && a.Container != "main" && a.Container != "init":
		return a, fault.New(fault.Invalid, "InvalidContainer", "A container is 'main' or 'init', not '%s'.", fault.Clip(a.Container))
	case a.Client != "" && a.Source != host.SourceWorkload:
		return a, fault.New(fault.Invalid, "InvalidClientId", "A client id is for the source %s alone.", host.SourceWorkload)
	}
	if a.Source == host.SourceArc && !a.MSIDisabled {
		if err := p.keyFiles.Open(); err != nil {
			return a, fault.New(fault.Conflict, "SourceNotAvailable", "The source %s needs the folder for its keys, which cannot be had: %v.", a.Source, err).
				Try("run the platform as root, where no agent of Azure's runs")
		}
	}
	return a, nil
}

func listed(sources []host.Source) string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

// attach answers the action by which a caller runs an app's process itself: it makes a replica
// that lives as long as the request does. Its process is the one that sent the request.
func (p *Platform) attach(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error {
	a, err := p.readAttaching(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replica, err := p.host.Attach(ctx, app, host.Attachment{
		Connection: httpkit.ConnectionOf(ctx), Source: a.Source, Init: a.Container == "init", Unattested: a.Unattested, MSIDisabled: a.MSIDisabled,
	})
	if err != nil {
		return fmt.Errorf("attach to %s: %w", app, err)
	}
	environment := p.prepare(replica)
	if a.Source == host.SourceWorkload && !replica.MSIDisabled {
		more, remove, err := p.workload(ctx, replica, a.Client)
		if err != nil {
			return err
		}
		defer remove()
		environment = append(environment, more...)
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(Attached{Replica: replica.Name, Environment: environment, Unattested: replica.Unattested()}); err != nil {
		return err
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-p.ending:
	}
	return nil
}

// attestation turns the attestation of one replica's callers off or on, for as long as it lives.
func (p *Platform) attestation(w http.ResponseWriter, r *http.Request) error {
	var order struct {
		Attest *bool `json:"attest"`
	}
	if err := readOrder(r, &order); err != nil {
		return err
	}
	if order.Attest == nil {
		return fault.New(fault.Invalid, "InvalidRequestContent", "The body says with \"attest\" whether callers are attested.")
	}
	name := r.PathValue("name")
	replica, ok := p.host.SetAttestation(name, *order.Attest)
	if !ok {
		return fault.New(fault.NotFound, "ReplicaNotFound", "There is no running replica '%s'.", fault.Clip(name)).Try("lanyard status")
	}
	return httpkit.WriteJSON(w, http.StatusOK, statusOf(replica))
}

// ReplicaStatus is one running replica.
type ReplicaStatus struct {
	App      cloud.ID    `json:"app"`
	Revision string      `json:"revision"`
	Name     string      `json:"name"`
	Started  time.Time   `json:"started"`
	Source   host.Source `json:"source"`
	Attested bool        `json:"attested"` // whether those who call as it are held against its processes
	// Unattested says why they are not.
	Unattested string `json:"unattested,omitempty"`
	// Container is "init" for one that stands for an init container.
	Container   string `json:"container,omitempty"`
	MSIDisabled bool   `json:"msiDisabled,omitempty"` // it has no token service
}

func statusOf(r *host.Replica) ReplicaStatus {
	s := ReplicaStatus{App: r.App, Revision: r.Revision, Name: r.Name, Started: r.Started, Source: r.Source,
		Attested: r.Attested(), Unattested: r.Unattested(), MSIDisabled: r.MSIDisabled}
	if r.Init {
		s.Container = "init"
	}
	return s
}
