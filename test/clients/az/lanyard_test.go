package az

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

// under runs `lanyard az ARGS` with the installed az on the PATH.
func under(t *testing.T, s *stage.Stage, az string, args ...string) *answer {
	t.Helper()
	cmd := s.Command(append([]string{"az"}, args...)...)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(az)+string(os.PathListSeparator)+os.Getenv("PATH"), "AZURE_CONFIG_DIR="+t.TempDir())
	return &answer{t: t, command: "lanyard az " + strings.Join(args, " "), outcome: stage.Run(t, cmd)}
}

func TestLanyardAzIsSignedIn(t *testing.T) {
	t.Parallel()
	az := stage.Tool(t, "az")
	s := stage.Start(t)
	owner := s.Owner()
	t.Run("as the owner, at the first command", func(t *testing.T) {
		under(t, s, az, "account", "show").is("id", owner.Subscription).is("user.name", owner.Client)
	})
	t.Run("arguments pass untouched", func(t *testing.T) {
		under(t, s, az, "group", "create", "-n", "shop", "-l", "local", "--query", "tags.note", "--tags", "note=a 'b' --state c").
			whole("a 'b' --state c")
	})
	t.Run("az's exit status comes back", func(t *testing.T) {
		under(t, s, az, "group", "show", "-n", "absent").refused(3, "ResourceGroupNotFound")
		under(t, s, az, "no-such-command").refused(2, "misspelled")
	})
	t.Run("in a folder of the state that is its owner's alone", func(t *testing.T) {
		folders := signIns(t, s)
		if len(folders) != 1 {
			t.Fatalf("there are %d sign-ins: %q", len(folders), folders)
		}
		for _, dir := range []string{filepath.Dir(folders[0]), folders[0]} {
			if stat, err := os.Stat(dir); err != nil || stat.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", dir, stat, err)
			}
		}
	})
}

func TestLanyardAzSignsInAnew(t *testing.T) {
	t.Parallel()
	az := stage.Tool(t, "az")
	s := stage.Start(t)
	under(t, s, az, "group", "create", "-n", "shop", "-l", "local").done()
	before := signIns(t, s)
	s.Restart(func() { // a platform whose owner's credential is gone makes another
		if err := os.Remove(filepath.Join(s.State, "owner.json")); err != nil {
			t.Fatal(err)
		}
	})
	under(t, s, az, "group", "list").lists("name", "shop")
	after := signIns(t, s)
	if len(before) != 1 || len(after) != 1 || before[0] == after[0] {
		t.Errorf("the sign-ins were %q and are %q", before, after)
	}
}

func TestLanyardAzPassesSignalsOn(t *testing.T) {
	t.Parallel()
	s := stage.Start(t)
	bin := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = login ] && exit 0\ntrap 'echo interrupted; exit 42' INT\necho waiting\nwhile :; do sleep 0.05; done\n"
	if err := os.WriteFile(filepath.Join(bin, "az"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := s.Command("az", "wait")
	cmd.Env = append(cmd.Env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if lines.Text() == "waiting" {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // its status is judged below
	if code := cmd.ProcessState.ExitCode(); code != 42 || !slices.Equal(said, []string{"waiting", "interrupted"}) {
		t.Errorf("exit status %d after %q", code, said)
	}
}

func signIns(t *testing.T, s *stage.Stage) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(s.State, "az", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

func TestLanyardAzWithoutAz(t *testing.T) {
	t.Parallel()
	s := stage.Start(t)
	cmd := s.Command("az", "group", "list")
	cmd.Env = append(cmd.Env, "PATH="+t.TempDir())
	a := &answer{t: t, command: "lanyard az", outcome: stage.Run(t, cmd)}
	a.refused(1, "lanyard: az is not on the PATH", "try: pip install azure-cli")
}
