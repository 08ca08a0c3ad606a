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
	"lanyard/internal/httpkit"
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
	c := &httpkit.Connection{Remote: near.LocalAddr().(*net.TCPAddr).AddrPort(), Local: near.RemoteAddr().(*net.TCPAddr).AddrPort()}
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
func (w *Witness) Find(ctx context.Context, c *httpkit.Connection, roots []host.Root) (int, cloud.Process, error) {
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

func closedToUs(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

// Holder gives the process that holds the far end of a connection, whoever it is.
func (w *Witness) Holder(ctx context.Context, c *httpkit.Connection) (host.Root, cloud.Process, error) {
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

// unattestable says that it cannot be told, and whether that may pass: the system is short of something, or
// it took too long.
func unattestable(err error) error {
	for _, passing := range []error{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, passing) {
			return fmt.Errorf("%w: %w", host.ErrBusy, err)
		}
	}
	return fmt.Errorf("%w: %w", host.ErrUnattestable, err)
}
