// Package java reads secrets and manages resources with the Java SDK as it is.
//
// It must not know how Lanyard answers, only what the SDK makes of it.
package java

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) {
	code := stage.Main(m)
	if classes != "" {
		os.RemoveAll(classes)
	}
	os.Exit(code)
}

// classes is the folder of the compiled programs.
var classes string

// compile compiles the programs in this folder, once.
var compile = sync.OnceValues(func() ([]byte, error) {
	var err error
	if classes, err = os.MkdirTemp("", "lanyard-java-"); err != nil {
		return nil, err
	}
	sources, err := filepath.Glob("*.java")
	if err != nil {
		return nil, err
	}
	return exec.Command("javac", append([]string{"-d", classes, "-cp", jars}, sources...)...).CombinedOutput()
})

// jars are the SDK's packages, seen from this folder.
const jars = "../.tools/java/*"

// program gives the command line of one of the programs in this folder.
func program(t *testing.T, name string) []string {
	t.Helper()
	packages := stage.Tool(t, "java")
	java, err := exec.LookPath("java")
	if _, missing := exec.LookPath("javac"); err != nil || missing != nil {
		stage.Missing(t, "java or javac is not installed")
	}
	if out, err := compile(); err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
	path := classes + string(os.PathListSeparator) + filepath.Join(packages, "*")
	return []string{java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", path, name}
}
