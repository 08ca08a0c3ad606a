package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// walls says what confines a replica.
type walls int

const (
	account        walls = iota // nothing but the user account
	userOnly                    // a uid of its own
	userAndSpaces               // a uid of its own, and namespaces
	userNamespaces              // namespaces that an ordinary user can have
)

// String names the walls for people.
func (w walls) String() string {
	switch w {
	case userOnly:
		return "a user (uid) of its own"
	case userAndSpaces:
		return "a user (uid) of its own, in process and mount namespaces of its own"
	case userNamespaces:
		return "user, process and mount namespaces of its own, in which the state folder is covered"
	}
	return "user account: a replica can read what the platform's user can"
}

func (w walls) ownUser() bool { return w == userOnly || w == userAndSpaces }

// init reports whether the shim is the init of its process namespace: then the kernel kills
// everything below it when it ends, however it ends.
func (w walls) init() bool { return w == userAndSpaces || w == userNamespaces }

// wanted lists the walls to try, best first.
func wanted() []walls {
	if os.Getuid() == 0 {
		return []walls{userAndSpaces, userOnly}
	}
	return []walls{userNamespaces}
}

// self is this program, also after its file was replaced.
func self() string { return "/proc/self/exe" }

// starting serialises starts that have to change how the platform may be traced.
var starting sync.Mutex

// start starts a shim behind the walls. A shim that is init of a namespace is killed with the
// platform, and takes the namespace with it; another must live on to kill what is below it, which
// it does when the held pipe closes. The death signal is tied to the thread that starts it; Go
// ends a thread only when a goroutine ends locked to it, which none here does.
func (w walls) start(cmd *exec.Cmd) error {
	attr := &syscall.SysProcAttr{Setsid: true}
	cmd.SysProcAttr = attr
	if w.init() {
		attr.Pdeathsig = syscall.SIGKILL
	}
	switch w {
	case userAndSpaces:
		attr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS
	case userNamespaces:
		attr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
		// The id maps of a child can be written only while it is dumpable, which it inherits
		// from the platform until it executes the shim.
		starting.Lock()
		defer starting.Unlock()
		if was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err == nil && was == 0 {
			unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
			defer unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		}
	}
	return cmd.Start()
}

// Conceal keeps other processes of the same user from reading this one's memory and environment
// (T8, T14). The platform calls it once at its start.
func Conceal() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("conceal the process: %w", err)
	}
	return nil
}

// confine prepares the shim's own thread, from which the command will be started.
func confine(o order) error {
	if err := Conceal(); err != nil {
		return err
	}
	if o.Init {
		if err := furnish(o.Hide); err != nil {
			return err
		}
	} else if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of descendants: %w", err)
	}
	// The capability that furnished the namespace must not reach the command, and no setuid
	// program may give it another.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("refuse new privileges: %w", err)
	}
	return nil
}

// furnish makes the mount namespace the replica's own: the state folder is covered and /proc
// shows the replica's own processes.
func furnish(hide string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("take the mounts as one's own: %w", err)
	}
	if hide != "" {
		err := unix.Mount("lanyard", hide, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=000,size=4k")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cover the state folder: %w", err)
		}
	}
	// Inside a container the old /proc may be all there is to have. It is no hole: other users'
	// and other namespaces' processes cannot be read through it.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return nil
}

// attributes gives how the command is started by its shim.
func attributes(o order) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if o.User != 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(o.User), Gid: uint32(o.User)}
	}
	return attr
}

// slay kills everything below the shim that can be seen at this moment.
func slay(_ int, init bool) {
	if init {
		unix.Kill(-1, unix.SIGKILL) // everything in the namespace but its init
		return
	}
	for _, p := range descendants(os.Getpid()) {
		unix.Kill(p, unix.SIGKILL)
	}
}

// descendants gives the processes below one, by walking /proc.
func descendants(of int) []int {
	children := map[int][]int{}
	eachProcess(func(pid int) {
		// proc(5): "pid (comm) state ppid ...", and comm may hold anything.
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			return
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 {
			if parent, err := strconv.Atoi(string(fields[1])); err == nil {
				children[parent] = append(children[parent], pid)
			}
		}
	})
	found := children[of]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

func eachProcess(do func(pid int)) {
	entries, _ := os.ReadDir("/proc") // without /proc nothing can be found
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			do(pid)
		}
	}
}

// slayStragglers kills what runs in a home whose shim is gone: whatever has its uid, or, where it
// has none of its own, whatever was started with it as HOME. A process that is just executing a
// program shows no environment, so that it takes several looks without a find to be done.
func slayStragglers(h *home) {
	mark := []byte("HOME=" + h.path)
	for quiet := 0; quiet < 10; quiet++ {
		if quiet > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		eachProcess(func(pid int) {
			dir := filepath.Join("/proc", strconv.Itoa(pid))
			var ours bool
			if h.user != 0 {
				ours = runsAs(pid, h.user)
			} else {
				env, err := os.ReadFile(filepath.Join(dir, "environ"))
				ours = err == nil && pid != os.Getpid() && bytes.Contains(append([]byte{0}, env...), append(append([]byte{0}, mark...), 0))
			}
			if ours && unix.Kill(pid, unix.SIGKILL) == nil {
				quiet = -1
			}
		})
	}
}

// runsAs reports whether a process lives and has a uid.
func runsAs(pid, user int) bool {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	return err == nil && bytes.Contains(status, fmt.Appendf(nil, "\nUid:\t%d\t", user)) && !bytes.Contains(status, []byte("\nState:\tZ"))
}

// occupied reports whether any process has a uid.
func occupied(user int) (found bool) {
	eachProcess(func(pid int) { found = found || runsAs(pid, user) })
	return found
}

// runsPrograms sees to it that programs in a folder can be run.
func runsPrograms(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if s.Flags&unix.ST_NOEXEC != 0 {
		return fmt.Errorf("programs in %s cannot be run", dir)
	}
	return nil
}

// renameNew renames a folder and refuses to replace one.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("rename %s: the file system cannot refuse to replace: %w", from, err)
	}
	return err
}
