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
	s.Seed("group: shop\nvaults: [{name: stage-kv, secrets: {greeting: Hello}}]\n")
	var secret struct{ Value string }
	s.JSON(&secret, "keyvault", "secret", "show", "--vault-name", "stage-kv", "-n", "greeting")
	if secret.Value != "Hello" {
		t.Errorf("the seeded secret is %q", secret.Value)
	}
	env := s.Environment()
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "HTTPS_PROXY=http://") }) {
		t.Errorf("the prepared environment has no proxy: %q", env)
	}
	if o := Run(t, s.Command("group", "show", "-n", "absent")); o.Code == 0 || !strings.Contains(o.Err, "ResourceGroupNotFound") {
		t.Errorf("an absent group: exit status %d, %q", o.Code, o.Err)
	}
}
