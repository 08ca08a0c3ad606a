package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"lanyard/internal/platform"
)

// lendMetadata puts the address of instance metadata on this machine's loopback, where it is not there
// already, and gives what takes it off again.
func lendMetadata(ctx context.Context, out io.Writer) (takeBack func() error, err error) {
	if onLoopback(platform.MetadataHost) {
		fmt.Fprintf(out, "%s is on the loopback already, and stays there.\n", platform.MetadataHost)
		return func() error { return nil }, nil
	}
	add, remove, ok := addressCommands(runtime.GOOS, platform.MetadataHost)
	if !ok {
		return nil, hinted{"--imds is not offered on " + runtime.GOOS, "lanyard run --source imds, for clients that obey AZURE_POD_IDENTITY_AUTHORITY_HOST"}
	}
	if answers(ctx, platform.MetadataHost) {
		return nil, hinted{"this machine has instance metadata of its own at " + platform.MetadataHost + ", which --imds would hide from every program on it",
			"lanyard run --source imds, for clients that obey AZURE_POD_IDENTITY_AUTHORITY_HOST"}
	}
	fmt.Fprintf(out, "Adding an address to the loopback until Lanyard ends:  %s\n", strings.Join(add, " "))
	if err := perform(ctx, add); err != nil {
		return nil, hinted{err.Error(), "sudo " + strings.Join(add, " ")}
	}
	return func() error { return perform(context.WithoutCancel(ctx), remove) }, nil
}

// addressCommands give what adds an address to the loopback, and what takes it off.
func addressCommands(system, address string) (add, remove []string, ok bool) {
	switch system {
	case "linux":
		return []string{"ip", "address", "add", address + "/32", "dev", "lo"}, []string{"ip", "address", "delete", address + "/32", "dev", "lo"}, true
	case "darwin":
		return []string{"ifconfig", "lo0", "alias", address + "/32"}, []string{"ifconfig", "lo0", "-alias", address}, true
	}
	return nil, nil, false
}

func perform(ctx context.Context, command []string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// onLoopback reports whether a loopback interface has the address.
func onLoopback(address string) bool {
	want := netip.MustParseAddr(address)
	all, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil || i.Flags&net.FlagLoopback == 0 {
			continue
		}
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == want {
				return true
			}
		}
	}
	return false
}

// answers reports whether something takes connections at an address, as it does on a cloud's machine.
func answers(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(address, "80"))
	if err != nil {
		return false
	}
	c.Close()
	return true
}
