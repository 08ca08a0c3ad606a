package matrix

import (
	"os"
	"path/filepath"
	"testing"

	"lanyard/test/clients/stage"
)

// TestOneProgramInsideAndOutside runs one program unchanged as an app, where DefaultAzureCredential finds
// the app's identity, and in a developer's own shell, where it finds whom az is signed in as.
func TestOneProgramInsideAndOutside(t *testing.T) {
	if !stage.Alone() {
		stage.Missing(t, "only root can make a network in which nobody else answers at 169.254.169.254")
	}
	w := open(t)
	az := stage.Tool(t, "az")
	owner := w.Owner()
	shell := []string{"AZURE_CONFIG_DIR=" + t.TempDir(), "HOME=" + t.TempDir(), "AZURE_CORE_COLLECT_TELEMETRY=false",
		"PATH=" + filepath.Dir(az) + string(os.PathListSeparator) + "/usr/local/bin:/usr/bin:/bin"}
	signIn := w.Client(shell, az, "login", "--service-principal", "--username", owner.Client, "--password", owner.Secret, "--tenant", owner.Tenant)
	if o := stage.Run(t, signIn); o.Code != 0 {
		t.Fatalf("az login: %s", o.Err)
	}
	question := question{Library: "default", Selector: "none", Resource: vault}
	for name, command := range programs {
		if name == "az" || name == "az2.45" {
			continue // az is what a developer signs in with
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := command(t)
			inside := w.as(t, column{app: both}, appService, p)
			w.judge(t, inside.ask(question), w.identity(both), vault, outcome{})
			inside.end()
			outside := begin(t, w.Client(shell, p[0], p[1:]...))
			w.judge(t, outside.ask(question), identity{Principal: owner.Principal, Client: owner.Client}, vault, outcome{})
			outside.end()
		})
	}
}
