// Package node reads secrets and manages resources with the JavaScript SDK as it is.
//
// It must not know how Lanyard answers, only what the SDK makes of it.
package node

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// program gives the command line of one of the programs in this folder.
func program(t *testing.T, name string) []string {
	t.Helper()
	stage.Tool(t, "node")
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return []string{stage.Tool(t, "nodejs"), path}
}

// The packages are for 20 and later, and a system's own may be older: then the script brings one.
func TestNodeIsNewEnoughForThePackages(t *testing.T) {
	o := stage.Run(t, exec.Command(stage.Tool(t, "nodejs"), "--version"))
	major, _, _ := strings.Cut(strings.TrimPrefix(o.Out, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		t.Errorf("node is %q: run test/clients/install node", strings.TrimSpace(o.Out))
	}
}
