package secret_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/secret"
)

func TestAMasterKeyIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	first, err := secret.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, first, "s3cret", "c")
	second, err := secret.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Open(sealed, "c"); err != nil || string(got) != "s3cret" {
		t.Errorf("after reopening: %q, %v", got, err)
	}
	onlyFile(t, dir, "master.key")
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key file is %v, %v; want mode 0600", info.Mode(), err)
	}
}

func TestManyFirstUsersAgreeOnOneKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	boxes := make([]*secret.Box, 16)
	var all sync.WaitGroup
	for i := range boxes {
		all.Go(func() {
			box, err := secret.OpenFile(path)
			if err != nil {
				t.Error(err)
			}
			boxes[i] = box
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for i, box := range boxes {
		if _, err := boxes[0].Open(seal(t, box, "s3cret", "c"), "c"); err != nil {
			t.Errorf("user %d has another key: %v", i, err)
		}
	}
	onlyFile(t, dir, "master.key")
}

func TestAnUnsafeKeyFileIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links mean something else on Windows")
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		says  string
	}{
		"when its group may read it":   {chmod(0o640), "chmod 600"},
		"when anybody may read it":     {chmod(0o604), "chmod 600"},
		"when anybody may write it":    {chmod(0o602), "chmod 600"},
		"when it may be executed":      {chmod(0o700), "chmod 600"},
		"when it is a symbolic link":   {linked, "not a regular file"},
		"when it is a folder":          {folder, "not a regular file"},
		"when it is empty":             {content(""), "no Tink keyset"},
		"when it holds something else": {content(`{"key":[]}`), "no Tink keyset"},
		"when it is enormous":          {content(strings.Repeat(" ", 65<<10)), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "master.key")
			if _, err := secret.OpenFile(path); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, path)
			_, err := secret.OpenFile(path)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v; want it to name %s and say %q", err, path, c.says)
			}
		})
	}
}

func TestADanglingLinkIsNotFollowedToMakeAKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("making links needs a privilege on Windows")
	}
	dir := t.TempDir()
	path, target := filepath.Join(dir, "master.key"), filepath.Join(dir, "elsewhere")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenFile(path); err == nil {
		t.Error("a dangling link was accepted")
	}
	if _, err := os.Lstat(target); !os.IsNotExist(err) {
		t.Errorf("a key was written through the link: %v", err)
	}
}

func TestAKeyCannotBeMadeInAMissingFolder(t *testing.T) {
	if _, err := secret.OpenFile(filepath.Join(t.TempDir(), "missing", "master.key")); err == nil {
		t.Error("a key was made in a folder that does not exist")
	}
}

func onlyFile(t *testing.T, dir, name string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != name {
		t.Errorf("the folder holds %v, %v; want only %s", left, err, name)
	}
}

func chmod(mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func content(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func linked(t *testing.T, path string) {
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".real", path); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, path string) {
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}
