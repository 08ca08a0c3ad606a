package platform

import (
	"log/slog"
	"net/netip"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/msi"
)

// Config says what to start. The zero value of every field but State is harmless.
type Config struct {
	// State is the folder that holds the world; it is made 0700 when it does not exist.
	State string
	// Listen is the address of the one port; "" is 127.0.0.1:0. It must be a loopback one.
	Listen string
	// Metadata is a second address, at which replicas find instance metadata alone; "" is none.
	Metadata string
	// Ephemeral keeps nothing: the world lives in memory, and State is removed in the end.
	Ephemeral bool
	// Allow names the private addresses that apps may reach through the proxy.
	Allow []netip.Prefix
	// IMDSLimits hold each replica that asks instance metadata for tokens; the zero Limits are Azure's.
	IMDSLimits msi.Limits
	// FederatedOnce takes each foreign token once; otherwise it may come again while it lasts.
	FederatedOnce bool
	// FederatedLimit is how many federated credentials an identity or an application may have: 0 means
	// Azure's 20, a negative number sets no limit.
	FederatedLimit int
	// BindTokens refuses an app's token that comes by another connection than one of its replicas;
	// otherwise that is recorded alone.
	BindTokens bool
	// Degrade gives tokens out though their records cannot be written; otherwise they are refused.
	Degrade bool
	// Timing says what the world does as late as Azure; nil keeps what it did before, at first nothing.
	Timing *cloud.Timing
	// Dir is the working directory of apps.
	Dir string
	// Output takes each line that an app writes; nil discards. It must not block.
	Output func(Line)
	// HeaderLife is how old a replica gets before another takes its place, with a new header; 0 replaces none.
	HeaderLife time.Duration
	// Shim is the command that runs a replica's shim; nil is this program itself.
	Shim []string
	Log  *slog.Logger     // nil discards
	Now  func() time.Time // nil means time.Now
}
