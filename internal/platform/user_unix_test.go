//go:build unix

package platform

import (
	"os"
	"os/exec"
	"syscall"
)

// asUser has a command run under a uid, where this program may.
func asUser(cmd *exec.Cmd, user int) {
	if user != os.Getuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
	}
}
