package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// Witness is the host.Witness of this machine. It asks the kernel for the socket at the far end of a
// connection, by both addresses, and looks for it among what the processes of a replica have open.
//
// A socket may be held by several processes: a fork shares it, and one process can hand it to another.
// One holder within the replica suffices. A process takes part in that by its own act: it was forked by
// the one that opened the connection, or received it in a message; whoever in the replica does that for a
// stranger could as well ask in the stranger's stead and hand on the token. To look for holders outside
// would mean to read every process of the machine, and would turn away servers that fork. Where the
// replica has a uid of its own the socket must have been made under it, so that what strangers hand
// in is refused all the same.
type Witness struct {
	once sync.Once
	able error
	// recent are processes that were found to hold a socket, by where their roots' numbers fall: they
	// are looked at first, and no more is concluded.
	recent [256]atomic.Int64
	naming sync.Mutex // one stranger at a time is looked for by name
}

var _ host.Witness = (*Witness)(nil)

// naming a stranger takes a look at what all its user's processes have open, and is given up then.
const namingTime = 100 * time.Millisecond

// Able says why processes cannot be told here: it tries with one of its own.
func (w *Witness) Able() error {
	w.once.Do(func() {
		if err := w.try(); err != nil {
			w.able = fmt.Errorf("this system does not tell which process calls: %w", err)
		}
	})
	return w.able
}

// try tells that a connection of this process is one of this process.
func (w *Witness) try() error {
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return errors.Join(errors.New("/proc shows another system's processes"), err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	near, err := net.DialTimeout("tcp", l.Addr().String(), patience)
	if err != nil {
		return err
	}
	defer near.Close()
	c := host.Connection{Remote: near.LocalAddr().(*net.TCPAddr).AddrPort(), Local: near.RemoteAddr().(*net.TCPAddr).AddrPort()}
	s, err := openSockets()
	if err != nil {
		return err
	}
	defer s.close()
	end, err := s.far(c)
	if err != nil {
		return err
	}
	_, err = witnessed(os.Getpid(), end.inode, []host.Root{rootOf(os.Getpid(), 0)})
	return err
}

// Find finds the process of a replica that holds the far end of a connection.
func (w *Witness) Find(ctx context.Context, c host.Connection, roots []host.Root) (int, cloud.Process, error) {
	s, err := openSockets()
	if err != nil {
		return 0, cloud.Process{}, unattestable(err)
	}
	defer s.close()
	end, err := s.far(c)
	if err == nil && end.inode == 0 {
		err = errNoSocket
	}
	if errors.Is(err, errNoSocket) {
		return 0, cloud.Process{}, fmt.Errorf("%w: %w", host.ErrStranger, err)
	}
	if err != nil {
		return 0, cloud.Process{}, unattestable(err)
	}
	fit := slices.Clone(roots)
	for i, r := range fit {
		if r.User != 0 && r.User != end.uid {
			fit[i] = host.Root{}
		}
	}
	i, pid, err := w.search(ctx, end, fit)
	if err == nil {
		// The connection is still the one that was asked about.
		if again, err := s.far(c); err != nil || again != end {
			return 0, cloud.Process{}, fmt.Errorf("%w: it went away", host.ErrStranger)
		}
		return i, cloud.Process{PID: pid, UID: end.uid, Program: program(pid)}, nil
	}
	if errors.Is(err, host.ErrStranger) {
		return 0, w.name(ctx, end), err
	}
	return 0, cloud.Process{UID: end.uid}, err
}

// search looks at the processes that held sockets lately, and then at all that descend from the roots.
// What is being forked while it looks it may miss, so it looks twice.
func (w *Witness) search(ctx context.Context, end socket, roots []host.Root) (int, int, error) {
	if !slices.ContainsFunc(roots, func(r host.Root) bool { return r.PID != 0 }) {
		return 0, 0, fmt.Errorf("%w: it runs under uid %d", host.ErrStranger, end.uid)
	}
	var closed error
	look := func(pid int) (int, bool) {
		i, err := witnessed(pid, end.inode, roots)
		if err == nil {
			w.recent[roots[i].PID%len(w.recent)].Store(int64(pid))
			return i, true
		}
		// A shim shows nobody of its user what it has open. It makes no connections.
		shim := closedToUs(err) && slices.ContainsFunc(roots, func(r host.Root) bool { return r.PID == pid })
		if !errors.Is(err, host.ErrStranger) && !errors.Is(err, errGone) && !shim {
			closed = err
		}
		return 0, false
	}
	for _, r := range roots {
		if pid := int(w.recent[r.PID%len(w.recent)].Load()); r.PID != 0 && pid != 0 {
			if i, ok := look(pid); ok {
				return i, pid, nil
			}
		}
	}
	for range 2 {
		closed = nil
		pids, err := within(ctx, roots)
		if err != nil {
			return 0, 0, unattestable(err)
		}
		for _, pid := range pids {
			if ctx.Err() != nil {
				return 0, 0, unattestable(ctx.Err())
			}
			if i, ok := look(pid); ok {
				return i, pid, nil
			}
		}
	}
	if closed != nil {
		return 0, 0, unattestable(closed)
	}
	return 0, 0, fmt.Errorf("%w: none of its processes holds the connection", host.ErrStranger)
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

func closedToUs(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

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

// Holder gives the process that holds the far end of a connection, whoever it is.
func (w *Witness) Holder(ctx context.Context, c host.Connection) (host.Root, cloud.Process, error) {
	if err := w.Able(); err != nil {
		return host.Root{}, cloud.Process{}, unattestable(err)
	}
	s, err := openSockets()
	if err != nil {
		return host.Root{}, cloud.Process{}, unattestable(err)
	}
	defer s.close()
	end, err := s.far(c)
	if err != nil || end.inode == 0 {
		return host.Root{}, cloud.Process{}, unattestable(errors.Join(errNoSocket, err))
	}
	pids, err := allProcesses()
	if err != nil {
		return host.Root{}, cloud.Process{}, unattestable(err)
	}
	for _, pid := range pids {
		if ctx.Err() != nil {
			return host.Root{}, cloud.Process{}, unattestable(ctx.Err())
		}
		root := rootOf(pid, 0)
		if _, err := witnessed(pid, end.inode, []host.Root{root}); err == nil && root.PID != 0 {
			return root, cloud.Process{PID: pid, UID: end.uid, Program: program(pid)}, nil
		}
	}
	return host.Root{}, cloud.Process{UID: end.uid}, unattestable(errors.New("no process shows that it holds the connection"))
}

// name says as much of a stranger as can be had at once: the uid, and the process where it shows itself
// and no other stranger is being looked for.
func (w *Witness) name(ctx context.Context, end socket) cloud.Process {
	unknown := cloud.Process{UID: end.uid}
	if !w.naming.TryLock() {
		return unknown
	}
	defer w.naming.Unlock()
	ctx, cancel := context.WithTimeout(ctx, namingTime)
	defer cancel()
	pids, err := allProcesses()
	if err != nil {
		return unknown
	}
	for _, pid := range pids {
		if ctx.Err() != nil {
			return unknown
		}
		if pid != os.Getpid() && !owned(pid, end.uid) {
			continue
		}
		if has, err := holds(pid, end.inode); err == nil && has {
			return cloud.Process{PID: pid, UID: end.uid, Program: program(pid)}
		}
	}
	return unknown
}

func unattestable(err error) error { return fmt.Errorf("%w: %w", host.ErrUnattestable, err) }
