package process

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// reserve takes a uid for this process on the whole machine, wherever other platforms keep their
// homes: an abstract socket name (unix(7)) has one holder, and the kernel frees it with that
// holder. It gives nil when somebody else has it.
func reserve(user int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve a uid: %w", err)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("@lanyard-replica-uid-%d", user)})
	if err == nil {
		return os.NewFile(uintptr(fd), "reservation"), nil
	}
	unix.Close(fd)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, nil
	}
	return nil, fmt.Errorf("reserve uid %d: %w", user, err)
}
