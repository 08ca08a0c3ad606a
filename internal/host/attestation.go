package host

import "lanyard/internal/httpkit"

// Attested reports whether those who call as the replica are to be attested.
func (r *Replica) Attested() bool { return r.Unattested() == "" }

// Unattested says why callers are not attested, in a phrase for people; empty when they are.
func (r *Replica) Unattested() string {
	if why := r.unattested.Load(); why != nil {
		return *why
	}
	return ""
}

// turnedOff is why a replica is not attested that somebody named.
const turnedOff = "turned off for this replica"

// SetAttestation turns the attestation of a living replica's callers off, or on again where the
// system can. It is said in the log each time; false means that there is no such replica.
func (h *Host) SetAttestation(name string, on bool) (*Replica, bool) {
	r, ok := h.Replica(name)
	if !ok {
		return nil, false
	}
	why := turnedOff
	if on {
		why = h.unable(r)
	}
	r.setUnattested(why)
	h.log().Warn("attestation of a replica's callers was set by name", httpkit.KeyReplica, r, httpkit.KeyApp, r.App.String(), httpkit.KeyAttested, why == "")
	return r, true
}

// unattest says why a replica's callers are not attested, in the log too.
func (h *Host) unattest(r *Replica, why string) {
	r.setUnattested(why)
	h.log().Warn("a replica's callers are not attested", httpkit.KeyReplica, r, httpkit.KeyApp, r.App.String(), httpkit.KeyError, why)
}

func (r *Replica) setUnattested(why string) { r.unattested.Store(&why) }

// unable says why a replica's callers cannot be attested; empty when they can.
func (h *Host) unable(r *Replica) string {
	if why := h.cannot(); why != "" {
		return why
	}
	if r.started() && r.root.PID == 0 {
		return "its processes cannot be told"
	}
	return ""
}

// cannot says why no replica's callers can be attested; empty when they can.
func (h *Host) cannot() string {
	if h.Witness == nil {
		return "this system does not tell which process calls"
	}
	if err := h.Witness.Able(); err != nil {
		return err.Error()
	}
	return ""
}
