package telemetry

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// A process with this variable set records tokens in the file it names until it is killed.
const crashFile = "LANYARD_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		fmt.Println(recordUntilKilled(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// recordUntilKilled gives tokens out to many callers: it prints each once it is recorded.
func recordUntilKilled(path string) error {
	s, err := OpenSignIns(context.Background(), path, Keeping{Patience: time.Minute, Now: func() time.Time { return noon }})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for caller := range 16 {
		go func() {
			for n := 0; ; n++ {
				in := grant(n)
				in.Token = fmt.Sprintf("token-%d-%d-%d", os.Getpid(), caller, n)
				if err := s.Record(context.Background(), in); err != nil {
					failed <- err
					return
				}
				fmt.Println(in.Token)
			}
		}()
	}
	return <-failed
}

func TestEveryTokenThatWasGivenOutHasItsRecordAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	given := 0
	for round := range 4 {
		tokens := killAfter(t, path, 50+200*round)
		s := keep(t, path, Keeping{})
		v, err := s.Verify(t.Context(), "")
		if err != nil || v.Broken != "" {
			t.Fatalf("round %d: the records are %+v, %v", round, v, err)
		}
		entries, err := s.Find(t.Context(), Wanted{Most: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]bool{}
		for _, e := range entries {
			_, id, _ := strings.Cut(string(e.Body), `"token":"`)
			id, _, _ = strings.Cut(id, `"`)
			kept[id] = true
		}
		for _, id := range tokens {
			if !kept[id] {
				t.Errorf("round %d: %s was given out and has no record", round, id)
			}
		}
		given += len(tokens)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if given < 100 {
		t.Errorf("only %d tokens were given out: this shows little", given)
	}
}

// killAfter kills a process that records when it has given out so many tokens, and gives all that it
// gave out.
func killAfter(t *testing.T, path string, most int) (tokens []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), crashFile+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id := lines.Text(); strings.HasPrefix(id, "token-") {
			tokens = append(tokens, id)
		} else {
			t.Errorf("the process says %s", id)
		}
		if len(tokens) == most {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // killed
	return tokens
}

// What a kill cannot show: each group is forced to the disk.
func TestEachGroupIsForcedToTheDisk(t *testing.T) {
	s := keep(t, filepath.Join(t.TempDir(), "signins.db"), Keeping{})
	var synchronous int
	var journal string
	if err := s.db.QueryRowContext(t.Context(), "pragma synchronous").Scan(&synchronous); err != nil {
		t.Fatal(err)
	}
	if err := s.db.QueryRowContext(t.Context(), "pragma journal_mode").Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if synchronous != 2 || journal != "wal" {
		t.Errorf("synchronous is %d and the journal %s; want 2 (full) and wal", synchronous, journal)
	}
}
