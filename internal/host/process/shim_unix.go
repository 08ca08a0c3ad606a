//go:build unix

package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The shim's descriptors beside the command's output.
const (
	ordersFD  = 3
	reportsFD = 4
	heldFD    = 5 // what holds the replica's uid, when it has one; only kept open
)

// Shim is the body of the hidden subcommand that Engine executes: it runs one command, and does
// not end before everything below it has. It gives the exit status of the program.
func Shim(args []string) int {
	if len(args) > 0 {
		fmt.Fprintln(os.Stderr, "lanyard shim takes no arguments; it is started by lanyard itself")
		return 2
	}
	// The kernel ties the command's life to the thread that started it.
	runtime.LockOSThread()
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(reportsFD)
	unix.CloseOnExec(heldFD)
	in, out := bufio.NewReader(os.NewFile(ordersFD, "orders")), json.NewEncoder(os.NewFile(reportsFD, "reports"))
	line, err := in.ReadBytes('\n')
	var o order
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lanyard shim is started by lanyard itself, with an order on descriptor 3")
		return 2
	}
	// A terminal's signals are for the platform, which stops replicas in its own time. They are
	// caught, not ignored: an ignored signal would stay ignored in the command.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	if err := confine(o); err != nil {
		out.Encode(report{Error: err.Error()})
		return 1
	}
	if len(o.Command) == 0 {
		out.Encode(report{})
		out.Encode(report{})
		return 0
	}
	pid, err := launch(o)
	if err != nil {
		out.Encode(report{Error: err.Error()})
		return 1
	}
	out.Encode(report{})
	go obey(in, pid, o.Init)
	exit := exitOf(await(pid))
	fell(pid, o.Init)
	out.Encode(report{Exit: exit})
	return 0
}

// obey listens to the platform.
func obey(in *bufio.Reader, pid int, init bool) {
	for {
		if _, err := in.ReadByte(); err != nil {
			slay(pid, init)
			return
		}
		unix.Kill(-pid, unix.SIGTERM)
	}
}

// await reaps whatever ends until the command itself has, and gives its status.
func await(pid int) (ws syscall.WaitStatus) {
	for {
		ended, err := syscall.Wait4(-1, &ws, 0, nil)
		if ended == pid || err != nil && !errors.Is(err, syscall.EINTR) {
			return ws
		}
	}
}

// fell kills and reaps until nothing is left below the shim.
func fell(pid int, init bool) {
	for {
		slay(pid, init)
		// Every descendant becomes a child of the shim when its parent ends, so that this
		// returns for each of them, and fails when there is none.
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// launch starts the command as the one who shall run it.
func launch(o order) (int, error) {
	// The command inherits the folder, and so may stand where its own user could not have gone.
	if err := os.Chdir(o.Dir); err != nil {
		return 0, fmt.Errorf("the working directory cannot be used: %w", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, fmt.Errorf("open the null device: %w", err)
	}
	defer null.Close()
	attr := &syscall.ProcAttr{Env: o.Env, Files: []uintptr{null.Fd(), 1, 2}, Sys: attributes(o)}
	var refused error
	for _, path := range candidates(o) {
		pid, err := syscall.ForkExec(path, o.Command, attr)
		if errors.Is(err, syscall.EACCES) && o.User != 0 {
			pid, err = openAndStart(path, o.Command, attr)
		}
		switch {
		case err == nil:
			return pid, nil
		case errors.Is(err, syscall.EACCES) && refused == nil:
			refused = fmt.Errorf("run %s: %w%s", path, err, advise(o, path))
		case !errors.Is(err, syscall.EACCES):
			return 0, fmt.Errorf("run %s: %w", path, err)
		}
	}
	if refused != nil {
		return 0, refused
	}
	return 0, fmt.Errorf("there is no program %q in PATH", o.Command[0])
}

// openAndStart starts a program that lies in a folder closed to the command's own user, as a
// checkout in root's home does: the shim opens it, and the kernel finds it by that descriptor.
// The program's own mode still has to allow its execution.
func openAndStart(path string, argv []string, attr *syscall.ProcAttr) (int, error) {
	program, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer program.Close()
	// A script's interpreter would have to reach it by its path, which the command's user cannot.
	start := make([]byte, 2)
	if _, err := io.ReadFull(program, start); err != nil || string(start) == "#!" {
		return 0, syscall.EACCES
	}
	return syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", program.Fd()), argv, attr)
}

// candidates gives where the program may lie, in the order of PATH.
func candidates(o order) []string {
	if strings.Contains(o.Command[0], "/") {
		return o.Command[:1]
	}
	var found []string
	for _, v := range o.Env {
		path, ok := strings.CutPrefix(v, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			file := filepath.Join(dir, o.Command[0])
			if s, err := os.Stat(file); filepath.IsAbs(dir) && err == nil && s.Mode().IsRegular() && s.Mode()&0o111 != 0 {
				found = append(found, file)
			}
		}
	}
	return found
}

// advise says what bars the way of a replica's own user, and what to do about it.
func advise(o order, program string) string {
	if o.User == 0 {
		return ""
	}
	if !filepath.IsAbs(program) {
		program = filepath.Join(o.Dir, program)
	}
	for _, path := range []string{o.Dir, program} {
		for at := path; ; at = filepath.Dir(at) {
			if s, err := os.Stat(at); err == nil && s.Mode()&0o001 == 0 {
				return fmt.Sprintf("; the replica runs as a user of its own (uid %d), to which %s is closed (mode %04o): "+
					"open it with chmod o+x %s, move what the app needs elsewhere, or run lanyard as an ordinary user",
					o.User, at, s.Mode().Perm(), at)
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return ""
}
