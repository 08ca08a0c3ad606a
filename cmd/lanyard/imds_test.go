package main

import (
	"slices"
	"testing"
)

func TestWhatAddsAnAddressTakesItOffAgain(t *testing.T) {
	for system, want := range map[string][2]string{"linux": {"add", "delete"}, "darwin": {"alias", "-alias"}} {
		add, remove, ok := addressCommands(system, "192.0.2.1")
		if !ok || add[0] != remove[0] || !slices.Contains(add, want[0]) || !slices.Contains(remove, want[1]) {
			t.Errorf("%s: %q and %q", system, add, remove)
		}
	}
	if _, _, ok := addressCommands("plan9", "192.0.2.1"); ok {
		t.Error("an address is added where nobody knows how")
	}
}

func TestLoopbackAddressesAreKnown(t *testing.T) {
	if !onLoopback("127.0.0.1") || onLoopback("192.0.2.1") {
		t.Error("127.0.0.1 is on the loopback, and 192.0.2.1 is not")
	}
}
