// Package python reads secrets and manages resources with the Python SDK as it is.
//
// It must not know how Lanyard answers, only what the SDK makes of it.
package python

import (
	"os"
	"path/filepath"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// program gives the command line of one of the programs in this folder.
func program(t *testing.T, name string) []string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return []string{stage.Tool(t, "python"), path}
}
