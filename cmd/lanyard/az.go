package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/platform"
)

func azCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "az ARG...",
		Short: "Run az, signed in as the world's owner",
		Long: `Run the az found on the PATH, signed in as the owner of the world, with Azure's public names leading here.
Arguments go to az untouched, and its exit status comes back. It has a configuration of its own in the state
folder, so that nothing that az keeps for Azure itself is read or changed.`,
		Example:            "  lanyard az group list --output table",
		DisableFlagParsing: true, // every flag is az's
		RunE: func(cmd *cobra.Command, args []string) error {
			args = a.ownFlags(args)
			path, err := exec.LookPath("az")
			if err != nil {
				return hinted{"az is not on the PATH", "pip install azure-cli"}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			z := az{path: path, env: overlay(os.Environ(), append(c.seat.Variables, azQuiet...))}
			if err := z.open(cmd.Context(), a.state, c.seat); err != nil {
				return err
			}
			return a.spawn(z.command(cmd.Context(), args...))
		},
	}
}

// ownFlags takes --state, which leads to the world, off the front: what cobra found before the
// word az stands there too.
func (a *app) ownFlags(args []string) []string {
	if len(args) > 1 && args[0] == "--state" {
		a.state = args[1]
		return args[2:]
	}
	if len(args) > 0 {
		if state, ok := strings.CutPrefix(args[0], "--state="); ok {
			a.state = state
			return args[1:]
		}
	}
	return args
}

// azQuiet keeps az from reporting to anyone and from asking for opinions (az: configuration,
// "CLI configuration values and environment variables").
var azQuiet = []string{"AZURE_CORE_COLLECT_TELEMETRY=false", "AZURE_CORE_SURVEY_MESSAGE=false"}

// az is the program az in its prepared environment.
type az struct {
	path string
	env  []string
}

func (z *az) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, z.path, args...)
	cmd.Env = z.env
	return cmd
}

// open gives az the configuration folder in which the owner is signed in. The folder is named for
// the credential, so another credential or another world signs in anew; it appears whole, so that
// of two commands at once either finds it signed in.
func (z *az) open(ctx context.Context, state string, seat *platform.Seat) error {
	top, err := filepath.Abs(filepath.Join(state, "az"))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(string(seat.Tenant) + "\n" + string(seat.ClientID) + "\n" + seat.Secret.Open()))
	name := hex.EncodeToString(sum[:8])
	home := filepath.Join(top, name)
	if _, err := os.Stat(home); err == nil {
		z.env = append(z.env, "AZURE_CONFIG_DIR="+home)
		return nil
	}
	if err := os.MkdirAll(top, 0o700); err != nil {
		return fmt.Errorf("make az's folder: %w", err)
	}
	fresh, err := os.MkdirTemp(top, ".signing-in-") // 0700 by its nature
	if err != nil {
		return fmt.Errorf("make az's folder: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := z.signIn(ctx, fresh, seat); err != nil {
		return err
	}
	if err := os.Rename(fresh, home); err != nil {
		if _, there := os.Stat(home); there != nil {
			return fmt.Errorf("keep az's sign-in: %w", err)
		}
	}
	z.env = append(z.env, "AZURE_CONFIG_DIR="+home)
	return forget(top, name)
}

// signIn signs the owner in. The secret goes to az's standard input: arguments are for all to see.
func (z *az) signIn(ctx context.Context, home string, seat *platform.Seat) error {
	cmd := z.command(ctx, "login", "--service-principal", "--username", string(seat.ClientID),
		"--password=@-", "--tenant", string(seat.Tenant), "--output", "none", "--only-show-errors")
	cmd.Env = append(cmd.Env, "AZURE_CONFIG_DIR="+home)
	cmd.Stdin = strings.NewReader(seat.Secret.Open())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sign az in: %w\n%s", err, out)
	}
	return nil
}

// forget removes what az kept for other credentials than the one named.
func forget(top, name string) error {
	entries, err := os.ReadDir(top)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != name && !strings.HasPrefix(e.Name(), ".") {
			if err := os.RemoveAll(filepath.Join(top, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
