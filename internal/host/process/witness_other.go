//go:build !linux

package process

import (
	"context"
	"errors"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// Witness is the host.Witness of this machine; this system tells it nothing.
type Witness struct{}

var _ host.Witness = (*Witness)(nil)

var errOnlyLinux = errors.New("only on Linux can it be told which process calls")

// Able says that processes cannot be told here.
func (*Witness) Able() error { return errOnlyLinux }

// Find always fails.
func (*Witness) Find(context.Context, *httpkit.Connection, []host.Root) (int, cloud.Process, error) {
	return 0, cloud.Process{}, host.ErrUnattestable
}

// Holder always fails.
func (*Witness) Holder(context.Context, *httpkit.Connection) (host.Root, cloud.Process, error) {
	return host.Root{}, cloud.Process{}, host.ErrUnattestable
}

func rootOf(int, int) host.Root { return host.Root{} }
