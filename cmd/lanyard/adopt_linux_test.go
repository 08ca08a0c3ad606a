package main

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a command leaves behind when it ends stays below lanyard run, and is buried when it ends, too.
func TestOrphansAreAdoptedAndBuried(t *testing.T) {
	if err := adopt(); err != nil {
		t.Fatal(err)
	}
	self := strconv.Itoa(os.Getpid())
	// The orphan says who it is, and then who its parent has become.
	orphaned := `echo $$; for i in $(seq 500); do set -- $(cat /proc/$$/stat); [ "$4" = ` + self + ` ] && break; sleep 0.01; done; echo $4`
	cmd := exec.Command("sh", "-c", "(setsid sh -c '"+orphaned+"' &) ; exit 0")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	defer reap(-1)() // the command itself, too, as nobody waits for it
	lines := bufio.NewScanner(r)
	next := func() string { lines.Scan(); return strings.TrimSpace(lines.Text()) }
	orphan := next()
	if parent := next(); parent != self {
		t.Errorf("the orphan's parent is %s, want %s", parent, self)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if _, err := os.Stat("/proc/" + orphan); os.IsNotExist(err) {
			return
		}
		<-tick.C
	}
	t.Errorf("the orphan %s is not buried", orphan)
}
