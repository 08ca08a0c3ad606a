package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/platform"
)

// signInFlags choose records of sign-ins, and what is done with them.
type signInFlags struct {
	app, group, identity, head      string
	since                           span
	top                             int
	failed, follow, verify, counted bool
}

func signInsCommand(a *app) *cobra.Command {
	var f signInFlags
	cmd := &cobra.Command{
		Use: "signins", Short: "List who got tokens and who did not, newest first", Args: cobra.NoArgs,
		Long: `List the record of each token that was minted, and of tokens that somebody did not get. A record tells
for whom, for which app, replica and process, and for what; it holds nothing of the token but its id.
--deliveries counts how often tokens were given out again from memory. --verify holds every record
against the digest that follows it; note the head that it prints, and --head tells later whether the
records still lead there.`,
		Example: "  lanyard logs signins --app orders -g shop --since 1h --output table\n  lanyard logs signins --failed --follow\n  lanyard logs signins --verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.signIns(cmd.Context(), c, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.app, "app", "", "for which app: a name or an id")
	flags.StringVarP(&f.group, "resource-group", "g", "", "resource group of the app")
	flags.StringVar(&f.identity, "identity", "", "of whom: a name, a resource id, a principal's or client's id")
	flags.Var(&f.since, "since", "how far back, e.g. 1h or 7d; all when left out")
	flags.IntVar(&f.top, "top", 50, "how many records at most")
	flags.BoolVar(&f.failed, "failed", false, "refusals alone")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on as records come, oldest first")
	flags.BoolVar(&f.counted, "deliveries", false, "count what was given out again, by replica, identity and minute")
	flags.BoolVar(&f.verify, "verify", false, "hold the records against their digests")
	flags.StringVar(&f.head, "head", "", "a head that --verify printed, to be looked for")
	cmd.MarkFlagsMutuallyExclusive("verify", "follow", "deliveries")
	for _, chosen := range []string{"app", "resource-group", "identity", "since", "top", "failed"} {
		cmd.MarkFlagsMutuallyExclusive("verify", chosen) // it goes through all records
	}
	return cmd
}

func (a *app) signIns(ctx context.Context, c *client, f signInFlags) error {
	switch {
	case f.head != "" && !f.verify:
		return hinted{"--head is looked for by --verify", "lanyard logs signins --verify --head " + f.head}
	case f.verify:
		return a.verifySignIns(ctx, c, f.head)
	case f.counted:
		return a.deliveries(ctx, c, f)
	}
	q, err := f.query(ctx, c, time.Now())
	if err != nil {
		return err
	}
	if f.follow {
		return a.followSignIns(ctx, c, q)
	}
	page, err := c.signIns(ctx, q)
	if err != nil {
		return err
	}
	if !page.Records.Failing.IsZero() {
		fmt.Fprintf(a.std.err, "the disk has refused records since %s; %d wait: %s\n", page.Records.Failing.Format(time.RFC3339), page.Records.Waiting, page.Records.Error)
	}
	return a.printSignIns(page.Value, true)
}

// query gives the parameters of the flags.
func (f signInFlags) query(ctx context.Context, c *client, now time.Time) (url.Values, error) {
	q := url.Values{"top": {strconv.Itoa(f.top)}}
	if f.since > 0 {
		q.Set("since", stamp(f.since.ago(now)))
	}
	if f.failed {
		q.Set("result", "failure")
	}
	if f.identity != "" {
		q.Set("identity", f.identity)
	}
	if f.app == "" && f.group == "" {
		return q, nil
	}
	id, err := c.appID(ctx, f.app, f.group)
	if err == nil {
		q.Set("app", id.String())
	}
	return q, err
}

// signInPage is what the platform answers.
type signInPage struct {
	Value   []json.RawMessage `json:"value"`
	Records platform.Records  `json:"records"`
}

func (c *client) signIns(ctx context.Context, q url.Values) (page signInPage, err error) {
	body, err := c.control(ctx, "GET", "/signins?"+q.Encode(), nil)
	if err == nil {
		err = json.Unmarshal(body, &page)
	}
	return page, err
}

// followSignIns prints the newest records and then those that come, until the user ends it.
func (a *app) followSignIns(ctx context.Context, c *client, q url.Values) error {
	last := int64(0)
	for first := true; ; first = false {
		page, err := c.signIns(ctx, q)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if last == 0 {
			slices.Reverse(page.Value)
		}
		if err := a.printSignIns(page.Value, first); err != nil {
			return err
		}
		if n := len(page.Value); n > 0 {
			var newest signInRow
			if err := json.Unmarshal(page.Value[n-1], &newest); err != nil {
				return fmt.Errorf("read record: %w", err)
			}
			last = newest.Seq
			q.Set("after", strconv.FormatInt(last, 10))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (a *app) verifySignIns(ctx context.Context, c *client, head string) error {
	body, err := c.control(ctx, "GET", "/signins/verify?"+url.Values{"head": {head}}.Encode(), nil)
	if err != nil {
		return err
	}
	var v platform.Verified
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if err := a.print(body); err != nil {
		return err
	}
	if v.Broken != "" {
		return hinted{"the records of sign-ins are not those that were written: " + v.Broken, "lanyard logs signins --top 100"}
	}
	return nil
}

func (a *app) deliveries(ctx context.Context, c *client, f signInFlags) error {
	if f.app != "" || f.failed {
		return hinted{"--deliveries are counted by replica and identity; they have neither app nor failures", "lanyard logs signins --deliveries --identity billing"}
	}
	q, err := f.query(ctx, c, time.Now())
	if err != nil {
		return err
	}
	body, err := c.control(ctx, "GET", "/signins/deliveries?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var page signInPage
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return a.print(page.Value)
}
