//go:build unix && !linux

package process

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// walls says what confines a replica: on this system, the user account alone.
type walls int

const account walls = 0

// String names the walls for people.
func (walls) String() string {
	return "user account: a replica can read what the platform's user can, and a process that leaves its group outlives it"
}

func (walls) ownUser() bool { return false }
func (walls) init() bool    { return false }

func wanted() []walls { return nil }

func self() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return os.Args[0]
}

func (walls) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd.Start()
}

// Conceal does nothing here: the system lets only debuggers with its consent read a process.
func Conceal() error { return nil }

func confine(order) error { return nil }

func attributes(order) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// slay kills the command's process group.
func slay(pid int, _ bool) { unix.Kill(-pid, unix.SIGKILL) }

func slayStragglers(*home) {}

// Replicas have no uids of their own here.
func occupied(int) bool         { return false }
func runsPrograms(string) error { return nil }

// renameNew renames a folder; names are random here, so that none is replaced.
func renameNew(from, to string) error { return os.Rename(from, to) }
