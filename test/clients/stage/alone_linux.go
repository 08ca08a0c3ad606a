package stage

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// inside is set in a test process that runs in a network of its own.
const inside = "LANYARD_ALONE"

// alone runs this test process again in a network that has nothing but a loopback, and gives its exit
// status; ok is false where this process is there already, or may not make one.
func alone(env ...string) (status int, ok bool, err error) {
	if os.Getenv(inside) != "" {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			return 1, true, fmt.Errorf("bring the loopback up: %w: %s", err, out)
		}
		return 0, false, nil
	}
	if os.Geteuid() != 0 {
		return 0, false, nil
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), inside+"=1"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return 1, true, err
	}
	return cmd.ProcessState.ExitCode(), true, nil
}

// Alone reports whether this test process runs in a network of its own.
func Alone() bool { return os.Getenv(inside) != "" }
