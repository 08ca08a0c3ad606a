package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFactsAreKeptAndProseIsNot(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "deep", source), filepath.Join(t.TempDir(), "roles.txt")
	if err := os.MkdirAll(filepath.Dir(in), 0o755); err != nil {
		t.Fatal(err)
	}
	published := `[
	 {"name":"B0000000-0000-0000-0000-000000000000","roleName":"Second ","description":"prose","permissions":[
	  {"actions":["N/a/read "],"notActions":["N/a/x/read"],"dataActions":[],"notDataActions":[],"condition":null},
	  {"actions":[],"dataActions":["N/d/*"],"notDataActions":["N/d/e"],"condition":"@Resource[x] = 'y'","conditionVersion":"2.0"}]},
	 {"name":"a0000000-0000-0000-0000-000000000000","roleName":"First","permissions":[{"actions":[]}]}]`
	if err := os.WriteFile(in, []byte(published), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Dir(filepath.Dir(in)), out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	want := "a0000000-0000-0000-0000-000000000000 First\n" +
		"b0000000-0000-0000-0000-000000000000 Second\n+N/a/read\n-N/a/x/read\n&\n>N/d/*\n<N/d/e\n?2.0 @Resource[x] = 'y'\n"
	if err != nil || string(got) != want {
		t.Errorf("wrote (%v)\n%s\nwant\n%s", err, got, want)
	}
}

func TestAFolderWithoutRolesIsRefused(t *testing.T) {
	if err := run(t.TempDir(), filepath.Join(t.TempDir(), "roles.txt")); err == nil {
		t.Error("nothing was read, and no error")
	}
}
