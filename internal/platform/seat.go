package platform

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/cloud"
)

// OwnerFile is the file of a state folder that holds with what the world's owner signs in.
const OwnerFile = "owner.json"

// The further files of a state folder that a command on this machine reads. Each is 0600 in a
// 0700 folder.
const (
	seatFile = "seat.json" // where the running platform listens
	caFile   = "ca.pem"    // what signs its certificates
)

// owner is whom a world begins with: an application, and a person who signs in by a password.
type owner struct {
	Tenant       cloud.TenantID    `json:"tenant"`
	Subscription string            `json:"subscription"`
	Client       cloud.ClientID    `json:"client"`
	Principal    cloud.PrincipalID `json:"principal"`
	Secret       string            `json:"secret"`
	SignIn       string            `json:"signIn,omitempty"`
	Password     string            `json:"password,omitempty"`
}

// place is where a running platform can be reached, and by which proxy credential.
type place struct {
	Address  string    `json:"address"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Bundle   string    `json:"bundle"`
	Trust    string    `json:"trust"`
	User     string    `json:"user"`
	Password string    `json:"password"`
}

// Seat is what the owner needs to use a running world from this machine.
type Seat struct {
	Tenant       cloud.TenantID
	Subscription string
	ClientID     cloud.ClientID
	Principal    cloud.PrincipalID
	Secret       cloud.Sealed
	// SignIn and Password are the owner's as a person.
	SignIn   string
	Password cloud.Sealed
	Address  string // host:port of the one port
	PID      int
	Started  time.Time
	// Variables are the prepared environment of the owner's shell.
	Variables []string

	roots *x509.CertPool
}

// Scope gives the world's subscription.
func (s *Seat) Scope() cloud.ID { return cloud.MustID("/subscriptions/" + s.Subscription) }

// SignInPage is where the owner's browser signs in as a person, and enters a device's code.
func (s *Seat) SignInPage() string { return "http://" + signInHost(s.Address) + "/devicelogin" }

// OpenSeat reads the seat of the world in a state folder. It fails when none is running there.
func OpenSeat(state string) (*Seat, error) {
	var o owner
	var p place
	for file, into := range map[string]any{OwnerFile: &o, seatFile: &p} {
		b, err := os.ReadFile(filepath.Join(state, file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no platform is running on the state folder %s", state)
		}
		if err != nil {
			return nil, fmt.Errorf("open the world in %s: %w", state, err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(state, file), err)
		}
	}
	ca, err := os.ReadFile(filepath.Join(state, caFile))
	if err != nil {
		return nil, fmt.Errorf("read the local authority's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(state, caFile))
	}
	return &Seat{
		Tenant: o.Tenant, Subscription: o.Subscription, ClientID: o.Client, Principal: o.Principal, Secret: cloud.Seal(o.Secret),
		SignIn: o.SignIn, Password: cloud.Seal(o.Password),
		Address: p.Address, PID: p.PID, Started: p.Started, Variables: p.environment().Variables(), roots: roots,
	}, nil
}

// Client gives an HTTP client whose every connection leads to the platform's one port, whatever
// the host name, and trusts the local authority alone.
func (s *Seat) Client() *http.Client {
	dial := net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dial.DialContext(ctx, network, s.Address)
		},
		TLSClientConfig:   &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}}
}

// writePrivate writes a file that only its owner may read, whole or not at all.
func writePrivate(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // 0600 by its nature
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(b); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Running reports whether a platform has its seat in a state folder and still lives.
func Running(state string) bool {
	s, err := OpenSeat(state)
	if err != nil {
		return false
	}
	c, err := net.DialTimeout("tcp", s.Address, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// takeSeat writes where the platform is for the commands of this machine.
func (p *Platform) takeSeat(context.Context) error {
	path := filepath.Join(p.config.State, seatFile)
	if err := writePrivate(path, p.place); err != nil {
		return err
	}
	p.onStop(func() error { return os.Remove(path) })
	return nil
}
