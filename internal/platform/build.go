package platform

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"lanyard/guard"
	"lanyard/internal/arm"
	"lanyard/internal/clock"
	"lanyard/internal/cloud"
	"lanyard/internal/dataplane/console"
	"lanyard/internal/directory"
	"lanyard/internal/edge"
	"lanyard/internal/host"
	"lanyard/internal/host/keyfile"
	"lanyard/internal/host/process"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
	"lanyard/internal/store"
	"lanyard/internal/telemetry"
)

// ShimVerb is the hidden command under which this program runs as the shim of a replica.
const ShimVerb = "shim"

// Shim runs a replica's shim; main calls it for ShimVerb.
func Shim(args []string) int { return process.Shim(args) }

// Harden closes this process to other processes of the same user: no core dumps, no reading of
// its memory or environment (T14).
func Harden() error { return process.Conceal() }

// armAudiences are the spellings that mean the management API (wire-facts: "Audiences").
var armAudiences = []string{
	"https://management.azure.com/", "https://management.azure.com",
	"https://management.core.windows.net/", "https://management.core.windows.net",
}

// build constructs every engine; none runs yet.
func (p *Platform) build(ctx context.Context) error {
	now, log := p.config.Now, p.log
	p.clock = &clock.Clock{Store: p.store, Profile: cloud.Azure, Now: now, Log: log}
	p.directory = &directory.Directory{
		Store: p.store, Tenant: p.deed.Tenant, Now: now, Age: p.clock.Age, Timing: p.clock.Timing, Log: log,
	}
	p.issuer = &issuer.Issuer{
		Store: p.store, Box: p.box, Tenant: p.deed.Tenant, Founded: p.deed.Founded, Age: p.clock.Age, Now: now, Log: log,
		URL: cloud.Azure.Issuer(p.deed.Tenant), URLTwo: cloud.Azure.IssuerTwo(p.deed.Tenant), Graph: "https://" + cloud.Azure.Graph + "/v1.0",
	}
	p.clock.OnChange(p.issuer.Wake, p.directory.Wake)
	p.secrets = store.NewView(p.store, cloud.KeysVault)
	p.buildDrills()
	p.console = &telemetry.Console{Dir: filepath.Join(p.config.State, "console"), Log: log}
	p.onStop(p.console.Close)
	p.streams = &console.Door{Console: p.console, Ending: p.ending, Now: now, Log: log}
	if err := p.openRecords(ctx); err != nil {
		return err
	}
	if err := removeTokens(p.config.State); err != nil {
		log.Error("tokens of replicas that are gone stay", httpkit.KeyError, err)
	}
	p.keyFiles = &keyfile.Folder{}
	p.onStop(p.keyFiles.Close)
	homes := openFolder()
	if os.Getuid() == 0 {
		homes = "" // others could take what names homes have there
	}
	p.host = &host.Host{
		Store: p.store, Dir: p.config.Dir, Now: now, Log: log, Prepare: p.prepare, Merge: edge.Merge, Output: p.output,
		Witness: &process.Witness{}, HeaderLife: p.config.HeaderLife, Age: p.clock.Age,
		Engine: &process.Engine{State: p.config.State, Homes: homes, Shim: p.config.Shim, Log: log},
	}
	p.armGuard = p.guardFor(armAudiences)
	p.arm = &arm.Engine{
		Store: p.store, Directory: views{p.directory, p}, Profile: cloud.Azure, Tenant: p.deed.Tenant,
		Admit: p.armGuard.Identify, Granted: p.directory.Granted, Record: p.history.Record, Now: now, Log: log,
		Permit: func(ctx context.Context, caller cloud.Caller, action string, at cloud.ID) error {
			return p.armGuard.Permit(ctx, caller, action, false, at)
		},
	}
	p.arm.Rows = p.rows()
	return p.buildEdge()
}

// guardFor gives the guard of a service with its audiences.
func (p *Platform) guardFor(audiences []string) *guard.Guard {
	return &guard.Guard{
		Tenant: p.deed.Tenant, Audiences: audiences, Issuers: []string{cloud.Azure.Issuer(p.deed.Tenant)},
		Keys: p.issuer.Key, Principal: p.directory.Remembered, Decide: p.directory.Decide, Suggest: p.directory.Suggest,
		Authority: "https://" + cloud.Azure.Authority, Backdated: issuer.Backdating, Now: p.config.Now, Log: p.log,
		Revoked: p.directory.Revoked, Age: p.clock.Age,
		Home: func(ctx context.Context, caller cloud.Caller, of cloud.ID) error {
			return p.home(ctx, arrival{caller: caller, app: of, audience: audiences[0]})
		},
	}
}

// views lets arm answer a write only when every reader has seen it: the directory, the host, so
// that a detached identity is refused from then on, and the vaults' view of their secrets.
type views struct {
	*directory.Directory
	p *Platform
}

// Await returns when all of them have seen a revision.
func (v views) Await(ctx context.Context, revision int64) error {
	if err := errors.Join(v.Directory.Await(ctx, revision), v.p.secrets.Await(ctx, revision)); err != nil {
		return err
	}
	if !v.p.hosting.Load() {
		return nil // nothing runs yet that could see an older state
	}
	return v.p.host.Await(ctx, revision)
}

// buildEdge opens the local authority and lays out what prepared environments read.
func (p *Platform) buildEdge() error {
	authority, err := edge.OpenAuthority(p.config.State, p.box, cloud.Azure, p.now)
	if err != nil {
		return err
	}
	if p.trust, err = edge.PlaceTrust(p.config.State, openFolder(), authority.PEM()); err != nil {
		return err
	}
	p.trust.Log = p.log
	p.onStop(p.trust.Remove)
	password, err := randomHex(32)
	if err != nil {
		return err
	}
	p.place = place{Address: p.Address(), PID: os.Getpid(), Started: p.now(), Bundle: p.trust.Bundle, Trust: p.trust.Store, User: "owner", Password: password}
	p.edge = &edge.Edge{
		Authority: authority, Profile: cloud.Azure, Admit: p.admitProxy, Allow: p.config.Allow, Log: p.log,
		Upstream: func(r *http.Request) (*url.URL, error) { return http.ProxyFromEnvironment(r) },
	}
	return nil
}

// openFolder gives a folder for temporary files that every user can pass through: TMPDIR may lie
// below one that only its owner can.
func openFolder() string {
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		if isOpen(dir) {
			return dir
		}
	}
	return os.TempDir()
}

func isOpen(dir string) bool {
	for at := dir; ; at = filepath.Dir(at) {
		if s, err := os.Stat(at); err != nil || s.Mode()&0o001 == 0 {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

func randomHex(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}

// admitProxy lets living replicas and the owner's shell through the proxy.
func (p *Platform) admitProxy(user, password string) bool {
	want := p.place.Password
	if user != p.place.User {
		r, ok := p.host.Replica(user)
		if !ok {
			return false
		}
		want = r.Proxy.Open()
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
}

func (p place) environment() edge.Environment {
	return edge.Environment{Address: p.Address, User: p.User, Password: cloud.Seal(p.Password), Bundle: p.Bundle, TrustStore: p.Trust}
}

// output keeps a line that an app wrote, and shows it to whoever started the platform.
func (p *Platform) output(l host.Line) {
	line := Line(l)
	p.console.Append(line)
	if p.config.Output != nil {
		p.config.Output(line)
	}
}
