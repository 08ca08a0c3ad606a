package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"lanyard/internal/httpkit"
)

// The messages of sock_diag(7) for TCP: inet_diag_req_v2 and inet_diag_msg, which both hold an
// inet_diag_sockid of 48 bytes.
const (
	nlHeader    = 16
	diagRequest = nlHeader + 8 + 48
	diagAnswer  = nlHeader + 4 + 48 + 20
)

// socket is the caller's end of a connection, as the kernel knows it.
type socket struct {
	inode uint32 // 0: no process holds it any more
	uid   int    // of whoever made it
}

// errNoSocket says that the far end is no socket of this system, or of another network namespace.
var errNoSocket = errors.New("the connection comes from no socket of this system")

// sockets asks the kernel about sockets.
type sockets struct{ fd int }

func openSockets() (sockets, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return sockets{}, fmt.Errorf("ask the kernel about sockets: %w", err)
	}
	// It answers while it is asked; the bound is for a kernel that does otherwise.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return sockets{}, errors.Join(fmt.Errorf("bound the kernel's answer: %w", err), unix.Close(fd))
	}
	return sockets{fd}, nil
}

func (s sockets) close() { unix.Close(s.fd) }

// far finds the caller's end of a connection by both its addresses. A socket of IPv6 that speaks IPv4
// is found by the IPv4 addresses, too: the kernel keeps it under these.
func (s sockets) far(c *httpkit.Connection) (socket, error) {
	from, to := netip.AddrPortFrom(c.Remote.Addr().Unmap(), c.Remote.Port()), netip.AddrPortFrom(c.Local.Addr().Unmap(), c.Local.Port())
	if !from.IsValid() || !to.IsValid() || from.Addr().Is4() != to.Addr().Is4() {
		return socket{}, errNoSocket
	}
	request := make([]byte, diagRequest)
	n := binary.NativeEndian
	n.PutUint32(request, diagRequest)
	n.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	n.PutUint16(request[6:], unix.NLM_F_REQUEST) // not a dump: this one socket
	body := request[nlHeader:]
	body[0], body[1] = unix.AF_INET6, unix.IPPROTO_TCP
	if from.Addr().Is4() {
		body[0] = unix.AF_INET
	}
	n.PutUint32(body[4:], ^uint32(0)) // in whichever state
	id := body[8:]
	binary.BigEndian.PutUint16(id, from.Port())
	binary.BigEndian.PutUint16(id[2:], to.Port())
	copy(id[4:20], from.Addr().AsSlice())
	copy(id[20:36], to.Addr().AsSlice())
	n.PutUint32(id[40:], ^uint32(0)) // INET_DIAG_NOCOOKIE
	n.PutUint32(id[44:], ^uint32(0))
	if err := unix.Sendto(s.fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return socket{}, fmt.Errorf("ask for a socket: %w", err)
	}
	return s.answer(from, to)
}

// answer reads what the kernel says of the one socket it was asked for.
func (s sockets) answer(from, to netip.AddrPort) (socket, error) {
	buffer := make([]byte, 4096)
	size, sender, err := unix.Recvfrom(s.fd, buffer, 0)
	if err != nil {
		return socket{}, fmt.Errorf("hear of a socket: %w", err)
	}
	if kernel, ok := sender.(*unix.SockaddrNetlink); !ok || kernel.Pid != 0 || size < nlHeader+4 {
		return socket{}, errors.New("hear of a socket: the answer is not the kernel's")
	}
	n := binary.NativeEndian
	if n.Uint16(buffer[4:]) == unix.NLMSG_ERROR {
		errno := unix.Errno(-int32(n.Uint32(buffer[nlHeader:])))
		if errno == unix.ENOENT {
			return socket{}, errNoSocket
		}
		return socket{}, fmt.Errorf("ask for a socket: %w", errno)
	}
	if n.Uint16(buffer[4:]) != unix.SOCK_DIAG_BY_FAMILY || size < diagAnswer {
		return socket{}, errors.New("hear of a socket: the answer cannot be read")
	}
	// Where no connection fits the kernel tells of a listener in its place.
	id := buffer[nlHeader+4:]
	if binary.BigEndian.Uint16(id) != from.Port() || binary.BigEndian.Uint16(id[2:]) != to.Port() {
		return socket{}, errNoSocket
	}
	rest := id[48:]
	return socket{uid: int(n.Uint32(rest[12:])), inode: n.Uint32(rest[16:])}, nil
}
