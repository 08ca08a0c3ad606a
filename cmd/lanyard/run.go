package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/edge"
	"lanyard/internal/host"
	"lanyard/internal/platform"
)

func runCommand(a *app) *cobra.Command {
	var t target
	var system bool
	var user []string
	var as platform.Attaching
	var source string
	cmd := &cobra.Command{
		Use:   "run --name APP [flags] -- COMMAND [ARG...]",
		Short: "Run any command as an app with an identity",
		Long: `Run a command as a container app: it finds IDENTITY_ENDPOINT and IDENTITY_HEADER in its environment,
and Azure's names lead to Lanyard. The app is made when it does not exist, and stays with its identity and
grants when the command ends. The command runs as you, in this terminal. On Linux only this command and what it
starts can use the app's identity.

--source says which of Azure's hosts the command takes this one for: app-service (also Container Apps and
Functions), app-service-2017 (its older protocol), imds (a virtual machine), arc (a machine of one's own with
Azure's agent; only where the platform runs as root), workload (a Kubernetes pod with workload identity).
WEBSITE_DISABLE_MSI=true in your environment leaves the command without a token service.`,
		Example: "  lanyard run --name try --system-assigned -- lanyard token --resource https://vault.azure.net",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.ensureApp(cmd.Context(), t, system, user); err != nil {
				return err
			}
			as.Source, as.MSIDisabled = host.Source(source), host.MSIDisabled(os.Environ())
			return c.runAs(cmd.Context(), a, c.in(t.group, appType, t.name), as, args)
		},
	}
	cmd.Flags().StringVarP(&t.name, "name", "n", "", "name of the app")
	cmd.Flags().StringVarP(&t.group, "resource-group", "g", "local", "resource group; made when it does not exist")
	cmd.Flags().BoolVar(&system, "system-assigned", false, "give the app an identity of its own")
	cmd.Flags().StringSliceVar(&user, "user-assigned", nil, "names or ids of user-assigned identities")
	cmd.Flags().StringVar(&source, "source", string(host.SourceAppService), "host that the command believes to be on")
	cmd.Flags().StringVar(&as.Container, "container", "main", "run it as a main or an init container: an identity may be open to one of them alone")
	cmd.Flags().StringVar((*string)(&as.Client), "client-id", "", "client id to speak for with --source workload; that of a user-assigned identity when left out")
	cmd.Flags().BoolVar(&as.Unattested, "no-attestation", false, "let any process that knows the header use the app's identity; is shown and recorded")
	must(cmd, "name")
	return cmd
}

// ensureApp makes the group, the environment and the app that a command runs as, where they are
// not there yet, and gives the app the identities asked for.
func (c *client) ensureApp(ctx context.Context, t target, system bool, user []string) error {
	group, env, id := c.group(t.group), c.in(t.group, envType, "local"), c.in(t.group, appType, t.name)
	steps := []struct {
		path, version string
		body          map[string]any
	}{
		{group, groupsVersion, map[string]any{"location": "local"}},
		{env, appsVersion, map[string]any{"location": "local", "properties": map[string]any{}}},
		{id, appsVersion, map[string]any{"location": "local", "properties": map[string]any{
			"environmentId": env,
			"template": map[string]any{
				"containers": []any{map[string]any{"name": t.name, "image": "local/attached", "command": []string{"lanyard", "run"}}},
				"scale":      map[string]any{"minReplicas": 0},
			},
		}}},
	}
	for _, s := range steps {
		_, err := c.arm(ctx, http.MethodGet, s.path, s.version, nil)
		if h := (hinted{}); errors.As(err, &h) && strings.Contains(h.text, "NotFound: ") {
			_, err = c.arm(ctx, http.MethodPut, s.path, s.version, s.body)
		}
		if err != nil {
			return err
		}
	}
	if !system && len(user) == 0 {
		return nil
	}
	_, err := c.wear(ctx, t, system, user, true)
	return err
}

// runAs holds a replica of the app open while the command runs in its environment.
func (c *client) runAs(ctx context.Context, a *app, id string, as platform.Attaching, args []string) error {
	path, err := exec.LookPath(args[0])
	if err != nil {
		return hinted{fmt.Sprintf("cannot find the command %q: %v", args[0], err), "lanyard run --name APP -- /path/to/command"}
	}
	// Children of children must not leave the tree of which this process is the root: it is whom the
	// platform finds at the other end of the request, and what descends from it is the replica.
	if err := adopt(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	resp, err := c.open(ctx, id+"/attach?api-version="+appsVersion, as)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var replica platform.Attached
	if err := json.NewDecoder(resp.Body).Decode(&replica); err != nil {
		return fmt.Errorf("read the replica's environment: %w", err)
	}
	child := exec.CommandContext(ctx, path, args[1:]...)
	child.Env = overlay(os.Environ(), replica.Environment)
	return a.spawn(child)
}

// spawn runs a command in this terminal, passes an interrupt on to it, and ends as it ends.
func (a *app) spawn(child *exec.Cmd) error {
	child.Stdin, child.Stdout, child.Stderr = a.std.in, a.std.out, a.std.err
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = 30 * time.Second
	err := child.Start()
	if err == nil {
		defer reap(child.Process.Pid)()
		err = child.Wait()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitCode(max(1, exit.ExitCode()))
	}
	return err
}

// foreign are variables that would lead a client past the replica's own identity.
var foreign = []string{
	"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
	"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
	"AZURE_POD_IDENTITY_AUTHORITY_HOST", "DEFAULT_IDENTITY_CLIENT_ID", "APPSETTING_WEBSITE_SITE_NAME",
	"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "LANYARD_STATE",
}

// overlay gives env with the prepared variables over its own.
func overlay(env, prepared []string) []string {
	kept := slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(foreign, name)
	})
	return edge.Merge(kept, prepared)
}

// shellQuote writes NAME=VALUE so that a POSIX shell reads it back unchanged.
func shellQuote(variable string) string {
	name, value, _ := strings.Cut(variable, "=")
	return name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
