package platform

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/drill"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/telemetry"
)

// ControlHost is the name under which the platform answers for what belongs to Lanyard alone.
const ControlHost = "control." + cloud.LocalDomain

// controlAction is the right that every call on ControlHost takes at the root scope. It is one that
// Azure's Contributor lacks: who may rotate keys and stop the world is who may make owners.
const controlAction = "Microsoft.Authorization/elevateAccess/action"

// Line is one line of an app's console.
type Line = telemetry.Line

// controlRoutes serves ControlHost. Every route is in this list.
func (p *Platform) controlRoutes(mux *http.ServeMux) {
	door := httpkit.Door{Name: "control", Speak: arm.Speak, Log: p.log, Now: p.config.Now}
	for pattern, h := range map[string]httpkit.Handler{
		"GET /status":                       p.status,
		"POST /stop":                        p.stop,
		"POST /explain":                     p.explain,
		"GET /keys":                         p.keys,
		"POST /keys/rotate":                 p.rotateKeys,
		"POST /keys/hold":                   p.holdKeys,
		"POST /keys/release":                p.releaseKeys,
		"POST /tokens/revoke":               p.revokeTokens,
		"POST /tokens/refresh":              p.refreshTokens,
		"GET /clock":                        p.showClock,
		"POST /clock/advance":               p.advanceClock,
		"POST /clock/reset":                 p.resetClock,
		"GET /drills":                       p.listDrills,
		"POST /drills/start":                p.startDrill,
		"POST /drills/stop":                 p.stopDrill,
		"PUT /timing":                       p.changeTiming,
		"POST /replicas/{name}/attestation": p.attestation,
		"GET /signins":                      p.signInRecords,
		"GET /signins/verify":               p.verifySignIns,
		"GET /signins/deliveries":           p.deliveries,
	} {
		mux.Handle(pattern, door.Serve(p.owned(h)))
	}
	mux.Handle("/", door.Serve(func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.NotFound, "NotFound", "%s answers nothing at %s.", ControlHost, r.URL.Path)
	}))
}

// owned lets only callers in who hold the control right.
func (p *Platform) owned(next httpkit.Handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		caller, err := p.armGuard.Identify(r)
		if err != nil {
			return err
		}
		if err := p.armGuard.Permit(r.Context(), caller, controlAction, false, cloud.Root); err != nil {
			return err
		}
		return next(w, r)
	}
}

// readOrder reads the body of a call, if it has one. What the call does not know is refused: whoever
// misspells what narrows an order would have given a wider one.
func readOrder(r *http.Request, into any) error {
	body, err := httpkit.ReadBody(r)
	if err != nil || len(body) == 0 {
		return err
	}
	from := json.NewDecoder(bytes.NewReader(body))
	from.DisallowUnknownFields()
	if err = from.Decode(into); err == nil && from.More() {
		err = errors.New("something follows the body")
	}
	if err != nil {
		return fault.New(fault.Invalid, "InvalidRequestContent", "The body is not the JSON that %s takes.", r.URL.Path).Because(err)
	}
	return nil
}

// Status is what `lanyard status` prints.
type Status struct {
	Address  string         `json:"address"`
	PID      int            `json:"pid"`
	Started  time.Time      `json:"started"`
	State    string         `json:"state"`
	Tenant   cloud.TenantID `json:"tenant"`
	Scope    cloud.ID       `json:"subscription"`
	Timing   string         `json:"timing"`               // what the world does as late as Azure
	Ahead    string         `json:"clockAhead,omitempty"` // by how much the world's clock was advanced
	Held     time.Time      `json:"keysHeld,omitzero"`    // since when rotation of signing keys is held
	Drills   drill.Set      `json:"drills,omitempty"`     // the drills that are on
	Boundary string         `json:"boundary"`             // what keeps a replica from the state folder
	Records  Records        `json:"records"`              // how it stands with the records of tokens
	// Unattested says why this system does not tell which process calls; empty when it does.
	Unattested string          `json:"unattested,omitempty"`
	Replicas   []ReplicaStatus `json:"replicas"`
}

func (p *Platform) status(w http.ResponseWriter, _ *http.Request) error {
	s := Status{
		Address: p.Address(), PID: p.place.PID, Started: p.place.Started, State: p.config.State,
		Tenant: p.owner.Tenant, Scope: p.scope(), Boundary: p.host.Engine.Boundary(), Records: p.signIns.Records(), Replicas: []ReplicaStatus{},
	}
	s.Drills = p.drills.set()
	s.Timing, s.Held = p.clock.Timing().String(), p.issuer.Held()
	if by := p.clock.Ahead(); by > 0 {
		s.Ahead = cloud.Span(by)
	}
	if err := p.host.Witness.Able(); err != nil {
		s.Unattested = err.Error()
	}
	for _, r := range p.host.Replicas(cloud.ID{}) {
		s.Replicas = append(s.Replicas, statusOf(r))
	}
	return httpkit.WriteJSON(w, http.StatusOK, s)
}

func (p *Platform) stop(w http.ResponseWriter, _ *http.Request) error {
	p.end()
	return httpkit.WriteJSON(w, http.StatusAccepted, map[string]string{"status": "Stopping"})
}
