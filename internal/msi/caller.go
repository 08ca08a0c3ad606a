package msi

import (
	"crypto/subtle"
	"errors"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// call is one request, as far as it has been understood.
type call struct {
	from     string // the client's address
	replica  *host.Replica
	header   string // the one that carried the replica's secret
	process  cloud.Process
	attested bool
	protocol *protocol
	ask      ask
	who      cloud.Principal
}

// identify finds out which replica calls.
type identify func(r *http.Request, c *call) error

// byHeader knows a replica by its name in the path and the header that only it was given. A replica that
// is not there and a wrong header are answered alike.
func (d *Door) byHeader(r *http.Request, c *call) error {
	replica, ok := d.Hosts.Replica(r.PathValue("replica"))
	if ok {
		c.replica = replica
	}
	c.header = appService2019.header
	if _, given := r.Header[c.header]; !given && len(r.Header[appService2017.header]) > 0 {
		c.header = appService2017.header
	}
	given := r.Header[c.header]
	if !ok || !replica.Alive() || len(given) != 1 || !equal(given[0], replica.Header.Open()) {
		return wrongHeader(c.header)
	}
	return d.attest(r, c)
}

func wrongHeader(name string) error {
	variable := "IDENTITY_HEADER"
	if name == appService2017.header {
		name, variable = "secret", "MSI_SECRET"
	} else {
		name = "X-IDENTITY-HEADER"
	}
	return fault.New(fault.Unauthenticated, codeStranger, "The header %s is missing or wrong.", name).
		Try("send the value of %s as the running replica has it; it is new at each start", variable)
}

// byWay knows a replica by its way, which only it was told.
func (d *Door) byWay(r *http.Request, c *call) error {
	if err := hasMetadata(r); err != nil {
		return err
	}
	replica, ok := d.Hosts.ByWay(r.PathValue("way"))
	if !ok || !replica.Alive() {
		return fault.New(fault.Unauthenticated, codeStranger, "The path is of no running replica.").
			Try("use the address exactly as it stands in the environment; it is new at each start")
	}
	c.replica = replica
	return d.attest(r, c)
}

// byProcess knows a replica by the process that calls, and by nothing else.
func (d *Door) byProcess(r *http.Request, c *call) error {
	if err := hasMetadata(r); err != nil {
		return err
	}
	on := httpkit.ConnectionOf(r.Context())
	if on == nil {
		return stranger(host.ErrUnattestable)
	}
	if seen, ok := on.Memo().(*seen); ok && seen.found && seen.replica.Alive() && seen.replica.Attested() {
		c.replica, c.process, c.attested = seen.replica, seen.process, true
		return nil
	}
	replica, process, err := d.Hosts.Whose(r.Context(), on)
	c.process = process
	if err != nil {
		return stranger(err)
	}
	on.Keep(&seen{replica: replica, process: process, found: true})
	c.replica, c.attested = replica, true
	return nil
}

// hasMetadata refuses what could be made without a header (T1): clients probe with such a request, and
// wait for its answer but briefly (wire-facts: "DefaultAzureCredential context").
func hasMetadata(r *http.Request) error {
	if given := r.Header["Metadata"]; len(given) != 1 || given[0] != "true" {
		return refuse("Required metadata header not specified").Try("send Metadata: true")
	}
	return nil
}

// seen is what was found out of the process at the other end of a connection: whose it is, or that it is
// not the replica's.
type seen struct {
	replica *host.Replica
	process cloud.Process
	found   bool // by Whose, not by what the request claims
	err     error
}

// attest holds the process that calls against the replica, once for a connection: who holds its far end
// descends from the replica, or does not (T4, TK-15).
func (d *Door) attest(r *http.Request, c *call) error {
	if !c.replica.Attested() {
		return nil
	}
	on := httpkit.ConnectionOf(r.Context())
	if on == nil {
		return stranger(host.ErrUnattestable)
	}
	known, ok := on.Memo().(*seen)
	if !ok || known.replica != c.replica {
		known = &seen{replica: c.replica}
		known.process, known.err = d.Hosts.Attest(r.Context(), c.replica, on)
		if known.err == nil || errors.Is(known.err, host.ErrStranger) {
			on.Keep(known)
		}
	}
	c.process = known.process
	if known.err != nil {
		return stranger(known.err)
	}
	c.attested = true
	return nil
}

// stranger refuses by what the host says of a caller. What passes by itself is no 401: clients do not try
// again after one.
func stranger(err error) error {
	if errors.Is(err, host.ErrBusy) {
		return fault.New(fault.Unavailable, "Unattestable", "It cannot be told now whether the calling process is one of the replica's.").
			Because(err).With("Retry-After", "1")
	}
	sentence := "The calling process is not one of the replica's."
	if !errors.Is(err, host.ErrStranger) {
		sentence = "It cannot be told whether the calling process is one of the replica's."
	}
	return fault.New(fault.Unauthenticated, codeStranger, "%s", sentence).Because(err).
		Try("call from the replica itself, e.g. under lanyard run, at the address that it was given")
}

// equal compares in a time that tells nothing of where two texts differ. The buffers keep headers
// of any sane length off the heap.
func equal(a, b string) bool {
	var x, y [64]byte
	return subtle.ConstantTimeCompare(append(x[:0], a...), append(y[:0], b...)) == 1
}
