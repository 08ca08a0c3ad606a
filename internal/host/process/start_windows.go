package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"lanyard/internal/host"
)

type walls int

// Shim is not used on Windows, where a job object does its work.
func Shim([]string) int {
	fmt.Fprintln(os.Stderr, "lanyard shim is not used on Windows")
	return 2
}

// Conceal does nothing on Windows, where a process of the same user can be read.
func Conceal() error { return nil }

// Boundary names what keeps replicas apart.
func (e *Engine) Boundary() string {
	return "user account: a replica can read what the platform's user can"
}

// Start runs a command in a job object that the system ends with the platform.
func (e *Engine) Start(_ context.Context, s host.Spec) (host.Process, error) {
	if len(s.Command) == 0 {
		return nil, errors.New("the container has no command, and a local process cannot run an image: give it a command")
	}
	home, err := os.MkdirTemp(e.Homes, "lanyard-home-")
	if err != nil {
		return nil, fmt.Errorf("make the replica's home: %w", err)
	}
	temp := filepath.Join(home, "tmp")
	job, err := newJob()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(home))
	}
	end := sync.OnceFunc(func() { windows.CloseHandle(job) }) // kills what is left in it
	stdout, stderr := &lines{stream: host.Stdout, out: s.Output}, &lines{stream: host.Stderr, out: s.Output}
	cmd := exec.Command(s.Command[0], s.Command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, stdout, stderr
	cmd.Env = append(complete(s.Env, home, temp), "USERPROFILE="+home, "TEMP="+temp, "TMP="+temp, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	err = errors.Join(os.Mkdir(temp, 0o700), cmd.Start())
	if err == nil {
		err = join(job, cmd.Process.Pid)
	}
	if err != nil {
		if cmd.Process != nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		end()
		return nil, errors.Join(fmt.Errorf("run %s: %w", s.Command[0], err), os.RemoveAll(home))
	}
	p := &running{done: make(chan struct{}), kill: end, ask: func() {
		windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid))
	}}
	go func() {
		defer close(p.done)
		state, _ := cmd.Process.Wait()
		end()
		cmd.Wait()
		stdout.end()
		stderr.end()
		if state != nil {
			p.exit = exitOf(state.Sys().(syscall.WaitStatus))
		}
		os.RemoveAll(home)
	}()
	return p, nil
}

func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, fmt.Errorf("make a job object: %w", err)
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
		LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		return 0, errors.Join(fmt.Errorf("limit the job object: %w", err), windows.CloseHandle(job))
	}
	return job, nil
}

func join(job windows.Handle, pid int) error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return fmt.Errorf("open the process: %w", err)
	}
	defer windows.CloseHandle(process)
	return windows.AssignProcessToJobObject(job, process)
}
