package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

func statusCommand(a *app) *cobra.Command {
	return &cobra.Command{Use: "status", Short: "Show what runs, where, and what guards it", Example: "  lanyard status --output table", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			body, err := c.control(cmd.Context(), http.MethodGet, "/status", nil)
			if err != nil {
				return err
			}
			if !a.tabular() {
				return a.print(body)
			}
			var s platform.Status
			if err := json.Unmarshal(body, &s); err != nil {
				return fmt.Errorf("read status: %w", err)
			}
			return a.printStatus(s)
		}}
}

// printStatus prints a line for each fact and, below them, one for each replica.
func (a *app) printStatus(s platform.Status) error {
	since := func(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
	facts := [][]string{
		{"Address", s.Address}, {"State", s.State}, {"Since", since(s.Started) + fmt.Sprintf(", pid %d", s.PID)},
		{"Tenant", string(s.Tenant)}, {"Subscription", s.Scope.String()}, {"Timing", s.Timing},
	}
	if s.Ahead != "" {
		facts = append(facts, []string{"Clock", s.Ahead + " ahead"})
	}
	for _, on := range s.Drills {
		facts = append(facts, []string{"Drill", on.String()})
	}
	if !s.Held.IsZero() {
		facts = append(facts, []string{"Keys", "held since " + since(s.Held)})
	}
	facts = append(facts, []string{"Boundary", s.Boundary})
	if s.Unattested != "" {
		facts = append(facts, []string{"Not attested", s.Unattested})
	}
	facts = append(facts, []string{"Records", recordsIn(s.Records)})
	if err := writeRows(a.std.out, facts); err != nil || len(s.Replicas) == 0 {
		return err
	}
	rows := [][]string{{"App", "Resource group", "Replica", "Source", "Attested", "Since"}}
	for _, r := range s.Replicas {
		attested := "yes"
		if !r.Attested {
			attested = "no: " + r.Unattested
		}
		rows = append(rows, []string{r.App.Name(), r.App.Group(), r.Name, string(r.Source), attested, since(r.Started)})
	}
	fmt.Fprintln(a.std.out)
	return writeRows(a.std.out, rows)
}

// recordsIn says in a few words how it stands with the records of tokens.
func recordsIn(r platform.Records) string {
	said := []string{r.Mode}
	if !r.Failing.IsZero() {
		said = append(said, fmt.Sprintf("the disk has refused them for %s: %s", cloud.Span(time.Since(r.Failing).Round(time.Second)), r.Error))
	}
	for _, n := range []struct {
		count int64
		what  string
	}{{int64(r.Waiting), "wait"}, {r.Unrecorded, "tokens went out unrecorded"}, {r.Lost, "are lost"}, {r.Suppressed, "refusals were left out"}} {
		if n.count > 0 {
			said = append(said, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return strings.Join(said, "; ")
}
