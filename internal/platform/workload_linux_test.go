package platform

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"lanyard/internal/cloud"
)

// A replica of another user reads its token, and lays nothing beside it: as root we would follow a link.
func TestAWorkloadsFolderIsNotTheReplicas(t *testing.T) { // T4, T9
	if os.Getuid() != 0 {
		t.Skip("only root gives files to others")
	}
	const user = 61999
	dir, err := makeTokenFolder(t.TempDir(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "azure-identity-token")
	if err := os.WriteFile(file, []byte(cloud.TokenExchange), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ownedBy(file, user); err != nil {
		t.Fatal(err)
	}
	as := func(uid uint32, command ...string) error {
		c := exec.Command(command[0], command[1:]...)
		c.Dir = "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return c.Run()
	}
	if err := as(user, "cat", file); err != nil {
		t.Errorf("the replica cannot read its token: %v", err)
	}
	if as(user, "ln", "-s", "/etc/hostname", file+".next") == nil || as(user, "rm", "-f", file) == nil {
		t.Error("the replica changes what lies in the folder")
	}
	if as(user+1, "cat", file) == nil || as(user, "ls", dir) == nil {
		t.Error("others read it, or see its name")
	}
}

// What a platform left that was killed goes with the next start on its state folder, and nothing else.
func TestTokensOfAKilledPlatformGo(t *testing.T) { // T8
	state, other := t.TempDir(), t.TempDir()
	left, err := makeTokenFolder(state, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := makeTokenFolder(other, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(theirs) })
	if err := os.WriteFile(filepath.Join(left, "azure-identity-token"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeTokens(state); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the token stays: %v", err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("another world's token went: %v", err)
	}
}
