package az

import (
	"os"
	"path/filepath"
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
