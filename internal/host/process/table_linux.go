package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"lanyard/internal/host"
)

// life is what tells one process from every other that ever had its number.
type life struct {
	pid    int
	parent int
	born   uint64 // clock ticks since the system's start (proc(5): starttime)
}

// errGone says that a process is no more.
var errGone = errors.New("the process is no more")

// lifeOf reads a process's line in the table.
func lifeOf(pid int) (life, error) {
	var buffer [1024]byte
	line, err := readProc("/proc/"+strconv.Itoa(pid)+"/stat", buffer[:])
	if err != nil {
		return life{}, err
	}
	// "pid (comm) state ppid ... starttime ...", and comm may hold anything.
	fields := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(fields) < 20 {
		return life{}, fmt.Errorf("read process %d: its line is cut", pid)
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return life{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	born, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return life{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return life{pid, parent, born}, nil
}

// readProc reads a short file of /proc in one go.
func readProc(path string, buffer []byte) ([]byte, error) {
	fd, err := openProc(path, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buffer)
	if err != nil {
		return nil, goneOr(path, err)
	}
	return buffer[:n], nil
}

func openProc(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
		if err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, goneOr(path, err)
		}
	}
}

func goneOr(path string, err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return errGone
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// rootOf describes a child that nobody has waited for yet.
func rootOf(pid, user int) host.Root {
	l, err := lifeOf(pid)
	if err != nil {
		return host.Root{} // its callers will not be attested, and that is said
	}
	return host.Root{PID: pid, Born: l.born, User: user}
}

// holds reports whether a process has a socket open.
func holds(pid int, inode uint32) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/fd"
	dir, err := openProc(path, unix.O_DIRECTORY)
	if err != nil {
		return false, err
	}
	defer unix.Close(dir)
	want := "socket:[" + strconv.FormatUint(uint64(inode), 10) + "]"
	entries, link := make([]byte, 16<<10), make([]byte, len(want)+1)
	for {
		n, err := unix.ReadDirent(dir, entries)
		if err != nil {
			return false, goneOr(path, err)
		}
		if n == 0 {
			return false, nil
		}
		_, _, names := unix.ParseDirent(entries[:n], -1, nil)
		for _, name := range names {
			switch n, err := unix.Readlinkat(dir, name, link); {
			case err == nil && string(link[:n]) == want:
				return true, nil
			case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM):
				return false, goneOr(path, err)
			}
		}
	}
}

// allProcesses gives the numbers of all processes, the youngest numbers first.
func allProcesses() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []int
	for i := len(names) - 1; i >= 0; i-- {
		if names[i][0] >= '1' && names[i][0] <= '9' {
			if pid, err := strconv.Atoi(names[i]); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all, nil
}

// program gives the path of a process's executable; "" where it does not show it.
func program(pid int) string {
	path, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

// owned reports whether a process's folder in /proc belongs to a uid.
func owned(pid, uid int) bool {
	var s unix.Stat_t
	return unix.Stat("/proc/"+strconv.Itoa(pid), &s) == nil && int(s.Uid) == uid
}
