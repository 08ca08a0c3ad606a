package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of those below it whose own parents end.
func adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of descendants: %w", err)
	}
	return nil
}

// reap takes leave of adopted processes that have ended, all but the one that somebody else waits
// for, until the function that it gives is called.
func reap(but int) (stop func()) {
	ended, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for {
			select {
			case <-ended:
			case <-done:
				return
			}
			for _, pid := range endedChildren() {
				if pid != but {
					_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
				}
			}
		}
	}()
	return func() {
		signal.Stop(ended)
		close(done)
	}
}

// endedChildren gives this process's children that have ended and that nobody has waited for.
func endedChildren() (found []int) {
	entries, _ := os.ReadDir("/proc") // without /proc they stay until this process ends
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// proc(5): "pid (comm) state ppid ...", and comm may hold anything.
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 && string(fields[0]) == "Z" && string(fields[1]) == strconv.Itoa(os.Getpid()) {
			found = append(found, pid)
		}
	}
	return found
}
