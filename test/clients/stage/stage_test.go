package stage

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestAStageIsAPlatformOfItsOwn(t *testing.T) {
	s := Start(t)
	s.Seed("group: shop\nvaults: [{name: stage-kv}]\n")
	var vault struct{ Name string }
	s.JSON(&vault, "keyvault", "show", "-n", "stage-kv", "-g", "shop")
	if vault.Name != "stage-kv" {
		t.Errorf("the seeded vault is %q", vault.Name)
	}
	env := s.Environment()
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "HTTPS_PROXY=http://") }) {
		t.Errorf("the prepared environment has no proxy: %q", env)
	}
	if o := Run(t, s.Command("group", "show", "-n", "absent")); o.Code == 0 || !strings.Contains(o.Err, "ResourceGroupNotFound") {
		t.Errorf("an absent group: exit status %d, %q", o.Code, o.Err)
	}
}

// An app may print a line longer than a scanner takes; what comes after it is still read.
func TestALineOfAnyLengthIsRead(t *testing.T) {
	s := &Stage{ended: make(chan struct{}), cmd: exec.Command(os.Args[0], "-test.run", "^$")}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	s.read(bufio.NewReader(strings.NewReader(strings.Repeat("x", 1<<20)+"\nLanyard is ready\nunended")), ready)
	select {
	case <-ready:
	default:
		t.Error("what came after a long line was not read")
	}
	if printed := s.Printed(); len(printed) != 1<<20+len("\nLanyard is ready\nunended") {
		t.Errorf("%d bytes were read", len(printed))
	}
}
