package process

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"lanyard/internal/host"
)

// witnessed sees to it that one process holds a socket and descends from one of the roots; it gives the
// nearest. A number may pass to another process at any moment: a pidfd tells that it did not while this
// looked. Nor may a parent be another than the one that was read next, so the line of descent is read
// twice. Who has the same parent both times had it all the while: an orphan passes to an ancestor, which
// was there before, and not to whoever gets its parent's number. So between the two readings the whole
// line stood as it was read.
func witnessed(pid int, inode uint32, roots []host.Root) (int, error) {
	held, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return 0, errGone
	}
	if err != nil {
		return 0, fmt.Errorf("hold process %d: %w", pid, err)
	}
	defer unix.Close(held)
	switch has, err := holds(pid, inode); {
	case err != nil:
		return 0, err
	case !has:
		return 0, host.ErrStranger
	}
	first, i, err := descent(pid, roots)
	if err != nil {
		return 0, err
	}
	second, _, err := descent(pid, roots)
	if err != nil {
		return 0, err
	}
	if !slices.Equal(first, second) || over(held) {
		return 0, errGone
	}
	return i, nil
}

// descent gives the line from a process up to the nearest root, and that root's index.
func descent(pid int, roots []host.Root) (line []life, root int, err error) {
	for pid > 0 && len(line) < 1<<12 {
		l, err := lifeOf(pid)
		if err != nil {
			return nil, 0, err
		}
		line = append(line, l)
		if i := slices.IndexFunc(roots, func(r host.Root) bool { return r.PID == l.pid && r.Born == l.born }); i >= 0 {
			return line, i, nil
		}
		pid = l.parent
	}
	return nil, 0, host.ErrStranger
}

// over reports whether the process of a pidfd has ended (pidfd_open(2): it becomes readable then).
func over(held int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(held), Events: unix.POLLIN}}, 0)
		if !errors.Is(err, unix.EINTR) {
			return err != nil || n > 0
		}
	}
}

// within gives the processes that are the roots or descend from one, as the table tells in one pass.
func within(ctx context.Context, roots []host.Root) ([]int, error) {
	pids, err := allProcesses()
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, pid := range pids {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l, err := lifeOf(pid)
		switch {
		case err == nil:
			children[l.parent] = append(children[l.parent], pid)
		case !errors.Is(err, errGone) && !closedToUs(err):
			return nil, err
		}
	}
	var found []int
	seen := map[int]bool{}
	for _, r := range roots {
		if r.PID != 0 && !seen[r.PID] {
			seen[r.PID] = true
			found = append(found, r.PID)
		}
	}
	for i := 0; i < len(found); i++ {
		for _, child := range children[found[i]] {
			if !seen[child] {
				seen[child] = true
				found = append(found, child)
			}
		}
	}
	return found, nil
}
