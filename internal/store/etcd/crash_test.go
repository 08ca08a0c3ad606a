package etcd

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/store"
)

// A process with this variable set writes to the store in the folder it names until it is killed.
const crashFolder = "LANYARD_TEST_CRASH_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		fmt.Println(writeUntilKilled(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled prints every number once the store has acknowledged it, large values among them.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, Config{Dir: dir})
	if err != nil {
		return err
	}
	e, err := s.Get(ctx, "/number")
	if err != nil {
		return err
	}
	number, _ := strconv.Atoi(string(e.Value))
	for {
		number++
		text := []byte(strconv.Itoa(number))
		changes := []store.Change{{Key: "/number", Value: text, If: e.Revision}, {Key: "/copy", Value: text, If: store.Any}}
		if number%5 == 0 {
			changes = append(changes, store.Change{Key: "/large", Value: make([]byte, 2<<20), If: store.Any})
		}
		if e.Revision, err = s.Commit(ctx, changes...); err != nil {
			return err
		}
		fmt.Println(number)
	}
}

// TestWhatWasAcknowledgedSurvivesBeingKilled kills a writer at moments from its very first start
// onwards; each round goes on with what the one before has left.
func TestWhatWasAcknowledgedSurvivesBeingKilled(t *testing.T) {
	for name, rounds := range map[string][]time.Duration{
		"while it makes the store": {1, 5, 10, 20, 30, 40, 50, 60, 80, 100},
		"while it writes":          {200, 300, 150, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, acknowledged := t.TempDir(), 0
			for _, wait := range rounds {
				acknowledged = max(acknowledged, killAfter(t, dir, wait*time.Millisecond))
			}
			s := open(t, dir)
			number, err := s.Get(t.Context(), "/number")
			if err != nil {
				t.Fatal(err)
			}
			twin, err := s.Get(t.Context(), "/copy")
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := strconv.Atoi(string(number.Value)); n < acknowledged || string(twin.Value) != string(number.Value) {
				t.Errorf("%d was acknowledged; the store holds %q and %q", acknowledged, number.Value, twin.Value)
			}
			if large, err := s.Get(t.Context(), "/large"); err != nil || large.Revision > 0 && len(large.Value) != 2<<20 {
				t.Errorf("the large value has %d bytes, %v", len(large.Value), err)
			}
			littered(t, s)
		})
	}
}

// killAfter runs a writer for a while and gives the last number it was acknowledged.
func killAfter(t *testing.T, dir string, wait time.Duration) int {
	t.Helper()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), crashFolder+"="+dir)
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	end := time.AfterFunc(wait, func() { writer.Process.Kill() })
	defer end.Stop()
	last := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Errorf("the writer said: %s", lines.Text())
		}
	}
	writer.Wait() // it was killed, and that is what it says
	return last
}

// littered fails when there are pieces of large values that no document holds.
func littered(t *testing.T, s *Store) {
	t.Helper()
	held := 0
	entries, _, err := s.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if len(e.Value) > maxInline {
			held += (len(e.Value) + pieceSize - 1) / pieceSize
		}
	}
	if found := countPieces(t, s); found != held {
		t.Errorf("there are %d pieces of large values, and documents hold %d", found, held)
	}
}
