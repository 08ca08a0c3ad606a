// Command lanyard gives every app on this machine a managed identity.
//
// It must not know how anything is done: commands are plain clients of a running platform, and
// up is what starts one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"lanyard/internal/platform"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == platform.ShimVerb {
		os.Exit(platform.Shim(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode ends the program with the status of a command that it ran for the user.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run is main without the process: it gives the exit status.
func run(ctx context.Context, args []string, std stdio) int {
	root := newRoot(std)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(std.err, "lanyard: %v\n", err)
	var h hinted
	if !errors.As(err, &h) && !errors.As(err, &begun{}) {
		h.hint = misused(cmd)
	}
	if h.hint != "" {
		fmt.Fprintf(std.err, "  try: %s\n", h.hint)
	}
	return 1
}

// begun is how a command ended that was understood; what cobra refuses before is none.
type begun struct{ error }

func (b begun) Unwrap() error { return b.error }

// marked has a command and those below it tell that they began.
func marked(cmd *cobra.Command) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := do(cmd, args); err != nil {
				return begun{err}
			}
			return nil
		}
	}
	for _, below := range cmd.Commands() {
		marked(below)
	}
}

// misused gives what to type for a command that was not understood: its first example, or its help where
// the words name no command.
func misused(cmd *cobra.Command) string {
	first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	if cmd.HasSubCommands() || first == "" {
		return cmd.CommandPath() + " --help"
	}
	return first
}

// hinted is an error that knows what to type next.
type hinted struct {
	text string
	hint string
}

func (h hinted) Error() string { return h.text }

func newRoot(std stdio) *cobra.Command {
	a := &app{std: std}
	root := &cobra.Command{
		Use:   "lanyard",
		Short: "Managed identities for every app, on any machine",
		Long: `Lanyard gives every app a managed identity: a token from a local endpoint, no credential,
roles at scopes that the resources enforce. For what az has, nouns, verbs and flags are those of az.`,
		Example:       "  lanyard up --world examples/hello/world.yaml",
		SilenceUsage:  true,
		SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{
			HiddenDefaultCmd: true,
		},
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.state, "state", defaultState(), "folder that holds the world's state (or LANYARD_STATE)")
	flags.StringVarP(&a.output, "output", "o", "json", "json, jsonc, yaml, table, tsv or none")
	flags.StringVar(&a.query, "query", "", "JMESPath query over the result")
	root.AddCommand(
		upCommand(a), downCommand(a), statusCommand(a), runCommand(a), envCommand(a), applyCommand(a),
		explainCommand(a), logsCommand(a), tokenCommand(a), clockCommand(a), drillCommand(a),
		groupCommand(a), identityCommand(a), containerappCommand(a), roleCommand(a), keyvaultCommand(a),
		accountCommand(a), adCommand(a), lockCommand(a), providerCommand(a), restCommand(a), azCommand(a),
	)
	marked(root)
	return root
}

func defaultState() string {
	if dir := os.Getenv("LANYARD_STATE"); dir != "" {
		return dir
	}
	return ".lanyard"
}
