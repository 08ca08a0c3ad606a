// Package golang reads secrets and manages resources with the Go SDK as it is.
//
// It must not know how Lanyard answers, only what the SDK makes of it.
package golang

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// program builds one of the programs below this folder.
func program(t *testing.T, name string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return []string{path}
}
