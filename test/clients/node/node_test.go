// Package node reads secrets and manages resources with the JavaScript SDK as it is.
//
// It must not know how Lanyard answers, only what the SDK makes of it.
package node

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// program gives the command line of one of the programs in this folder.
func program(t *testing.T, name string) []string {
	t.Helper()
	stage.Tool(t, "node")
	node, err := exec.LookPath("node")
	if err != nil {
		stage.Missing(t, "node is not installed")
	}
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return []string{node, path}
}
