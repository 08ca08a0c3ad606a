package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/msi"
	"lanyard/internal/platform"
)

// upFlags are what `lanyard up` is told.
type upFlags struct {
	listen, world, records, timing, tokens string
	allow                                  []string
	ephemeral, verbose, imds, bind         bool
	federated                              int
	imdsLimits                             msi.Limits
	rotate                                 span
}

func upCommand(a *app) *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start Lanyard and stay until Ctrl-C",
		Long: `Start Lanyard on the state folder and stay until Ctrl-C. The first start makes a world: a tenant,
a subscription and one owner, whose credential lies in the state folder. --world adds what a world file
describes; what is there already stays as it is.

--timing says what the world does as late as Azure: instant (nothing), azure, or its parts with commas
between them: token-cache=SPAN, removal=at-once or removal=expiry, role-propagation=SPAN. The world keeps it.`,
		Example: "  lanyard up --world examples/hello/world.yaml\n  lanyard up --ephemeral --listen 127.0.0.1:0\n  lanyard up --timing token-cache=1h,removal=expiry",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := f.config(a)
			if err != nil {
				return err
			}
			if !f.imds {
				return a.up(cmd.Context(), f.world, config)
			}
			takeBack, err := lendMetadata(cmd.Context(), a.std.out)
			if err != nil {
				return err
			}
			config.Metadata = net.JoinHostPort(platform.MetadataHost, "80")
			return errors.Join(a.up(cmd.Context(), f.world, config), takeBack())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:4140", "address of the one port; a loopback one")
	flags.StringVar(&f.world, "world", "", "world file to apply")
	flags.BoolVar(&f.ephemeral, "ephemeral", false, "keep nothing when it ends")
	flags.StringSliceVar(&f.allow, "allow", nil, "private addresses that apps may reach through the proxy, e.g. 10.0.0.0/8")
	flags.BoolVar(&f.imds, "imds", false, "serve instance metadata at "+platform.MetadataHost+" too, and put that address on the loopback meanwhile")
	flags.Float64Var(&f.imdsLimits.Rate, "imds-rate", msi.IMDSRate, "requests for tokens a second that a replica may make of instance metadata")
	flags.IntVar(&f.imdsLimits.AtOnce, "imds-at-once", msi.IMDSAtOnce, "requests for tokens that a replica may have in hand at instance metadata")
	flags.StringVar(&f.records, "records", "refuse", "what becomes of tokens while they cannot be recorded: refuse, or degrade to give them out")
	flags.BoolVar(&f.bind, "bind-tokens", false, "refuse an app's token that comes by another connection than the proxy of the app's own replicas; recorded alone when left out")
	flags.StringVar(&f.timing, "timing", "", "what the world does as late as Azure; what it was before when left out")
	flags.IntVar(&f.federated, "federated-credentials-limit", directory.FederatedLimit, "how many federated credentials an identity or application may have; 0 sets no limit")
	flags.StringVar(&f.tokens, "federated-tokens", "reusable", "whether another issuer's token may come again while it lasts, as SDKs send it: reusable, or once")
	flags.Var(&f.rotate, "rotate-headers", "restart the replicas of each app one after another when they are this old, with new headers; never when left out")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log every request")
	return cmd
}

// config turns flags into what a platform is started with.
func (f upFlags) config(a *app) (platform.Config, error) {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	c := platform.Config{
		State: a.state, Listen: f.listen, Ephemeral: f.ephemeral, HeaderLife: time.Duration(f.rotate),
		IMDSLimits: f.imdsLimits, FederatedLimit: f.federated, BindTokens: f.bind,
		Log: slog.New(slog.NewTextHandler(a.std.err, &slog.HandlerOptions{Level: level})),
	}
	if c.HeaderLife != 0 && c.HeaderLife < time.Minute {
		return c, hinted{fmt.Sprintf("--rotate-headers %s is shorter than a minute", &f.rotate), "lanyard up --rotate-headers 24h"}
	}
	if f.imdsLimits.Rate <= 0 || f.imdsLimits.AtOnce <= 0 {
		return c, hinted{"--imds-rate and --imds-at-once are more than nothing", fmt.Sprintf("lanyard up --imds-rate %d --imds-at-once %d", msi.IMDSRate, msi.IMDSAtOnce)}
	}
	switch {
	case f.federated < 0:
		return c, hinted{"--federated-credentials-limit is not less than 0, which sets none", "lanyard up --federated-credentials-limit 0"}
	case f.federated == 0:
		c.FederatedLimit = -1
	}
	var err error
	if c.Allow, err = prefixes(f.allow); err != nil {
		return c, err
	}
	if c.Degrade, err = second("--records", f.records, "refuse", "degrade"); err != nil {
		return c, err
	}
	if c.FederatedOnce, err = second("--federated-tokens", f.tokens, "reusable", "once"); err != nil {
		return c, err
	}
	c.Timing, err = timingOf(f.timing)
	return c, err
}

// timingOf reads --timing; nil keeps what the world has.
func timingOf(text string) (*cloud.Timing, error) {
	if text == "" {
		return nil, nil
	}
	t, err := cloud.ParseTiming(text)
	if err != nil {
		return nil, hinted{"--timing: " + err.Error(), "lanyard up --timing azure"}
	}
	return &t, nil
}

// second reads a flag of two words: whether it is the other than the one it has by default.
func second(flag, given, first, other string) (bool, error) {
	if given != first && given != other {
		return false, hinted{fmt.Sprintf("%s is %s or %s, not %q", flag, first, other, given), "lanyard up " + flag + " " + first}
	}
	return given == other, nil
}

func prefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, hinted{fmt.Sprintf("--allow %q is not an address prefix", text), "lanyard up --allow 10.0.0.1/32"}
		}
		all = append(all, p)
	}
	return all, nil
}

func (a *app) up(ctx context.Context, file string, config platform.Config) error {
	w, err := readWorld(file)
	if err != nil {
		return err
	}
	if w != nil && config.Timing != nil {
		w.Timing = "" // what stands on the command line counts
	}
	if err := platform.Harden(); err != nil {
		return err
	}
	if config.Dir, err = os.Getwd(); err != nil {
		return err
	}
	out := &lineWriter{w: a.std.out}
	config.Output = func(l platform.Line) { out.printf("%s | %s\n", l.App.Name(), l.Text) }
	start := time.Now()
	p, err := platform.Start(ctx, config)
	if err != nil {
		return err
	}
	runErr := a.furnish(ctx, w)
	if runErr == nil {
		out.printf("Lanyard is ready on %s after %s. State: %s\n", p.Address(), time.Since(start).Round(time.Millisecond), a.state)
		out.printf("  any command as app:  lanyard run --state %s --name try --system-assigned -- COMMAND\n", a.state)
		out.printf("  your shell:          eval \"$(lanyard env --state %s)\"\n", a.state)
		out.printf("  what is there:       lanyard status --state %s\n", a.state)
		runErr = p.Wait(ctx)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(runErr, p.Stop(stopCtx))
}

// furnish applies the world file, if there is one: what it describes is there once up says ready.
func (a *app) furnish(ctx context.Context, w *worldFile) error {
	if w == nil {
		return nil
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	if err := c.apply(ctx, w.World); err != nil {
		return fmt.Errorf("apply %s: %w", w.path, err)
	}
	return nil
}

// lineWriter keeps the lines of several writers whole.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
}

func downCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop the platform that runs on the state folder", Example: "  lanyard down", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if _, err := c.control(cmd.Context(), "POST", "/stop", nil); err != nil {
				return err
			}
			for platform.Running(a.state) {
				select {
				case <-cmd.Context().Done():
					return cmd.Context().Err()
				case <-time.After(50 * time.Millisecond):
				}
			}
			fmt.Fprintln(a.std.err, "Lanyard has stopped; its state stays in", a.state)
			return nil
		},
	}
}

func envCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print the environment in which Azure's names lead here", Example: `  eval "$(lanyard env)"`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			for _, v := range c.seat.Variables {
				fmt.Fprintf(a.std.out, "export %s\n", shellQuote(v))
			}
			return nil
		},
	}
}
