package stage

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestAStageIsAPlatformOfItsOwn(t *testing.T) {
	s := Start(t)
	s.Seed("group: shop\nvaults: [{name: stage-kv}]\n")
	var vault struct{ Name string }
	s.JSON(&vault, "keyvault", "show", "-n", "stage-kv", "-g", "shop")
	if vault.Name != "stage-kv" {
		t.Errorf("the seeded vault is %q", vault.Name)
	}
	env := s.Environment()
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "HTTPS_PROXY=http://") }) {
		t.Errorf("the prepared environment has no proxy: %q", env)
	}
	if o := Run(t, s.Command("group", "show", "-n", "absent")); o.Code == 0 || !strings.Contains(o.Err, "ResourceGroupNotFound") {
		t.Errorf("an absent group: exit status %d, %q", o.Code, o.Err)
	}
}
