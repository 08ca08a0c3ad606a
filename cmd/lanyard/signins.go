package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

// signInFlags choose records of sign-ins, and what is done with them.
type signInFlags struct {
	app, group, identity, head      string
	since                           time.Duration
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
	flags.DurationVar(&f.since, "since", 0, "how far back, e.g. 1h; all when left out")
	flags.IntVar(&f.top, "top", 50, "how many records at most")
	flags.BoolVar(&f.failed, "failed", false, "refusals alone")
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on as records come, oldest first")
	flags.BoolVar(&f.counted, "deliveries", false, "count what was given out again, by replica, identity and minute")
	flags.BoolVar(&f.verify, "verify", false, "hold the records against their digests")
	flags.StringVar(&f.head, "head", "", "a head that --verify printed, to be looked for")
	cmd.MarkFlagsMutuallyExclusive("verify", "follow", "deliveries")
	cmd.MarkFlagsMutuallyExclusive("verify", "failed")
	return cmd
}

func (a *app) signIns(ctx context.Context, c *client, f signInFlags) error {
	switch {
	case f.verify || f.head != "":
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
		q.Set("since", stamp(now.Add(-f.since)))
	}
	if f.failed {
		q.Set("result", "failure")
	}
	if f.identity != "" {
		q.Set("identity", f.identity)
	}
	switch {
	case f.app == "" && f.group != "":
		return nil, hinted{"--resource-group says where the app of --app is", "lanyard logs signins --app orders -g " + f.group}
	case f.app == "":
	case f.group != "":
		q.Set("app", c.in(f.group, appType, f.app))
	default:
		id, err := c.find(ctx, appType, f.app)
		if err != nil {
			return nil, err
		}
		q.Set("app", id.String())
	}
	return q, nil
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

// signInRow is what a table shows of a record.
type signInRow struct {
	Seq       int64         `json:"seq"`
	Result    string        `json:"result"`
	Time      time.Time     `json:"time"`
	Name      string        `json:"name"`
	Principal string        `json:"principal"`
	Client    string        `json:"client"`
	App       cloud.ID      `json:"app"`
	Audience  string        `json:"audience"`
	Protocol  string        `json:"protocol"`
	Process   cloud.Process `json:"process"`
	Token     string        `json:"token"`
	Code      string        `json:"code"`
	Reason    string        `json:"reason"`
	Unsaid    int64         `json:"unsaid"`
}

// printSignIns prints records; a table has the columns that people look for.
func (a *app) printSignIns(records []json.RawMessage, first bool) error {
	if a.output != "table" || a.query != "" {
		if first || len(records) > 0 {
			return a.print(records)
		}
		return nil
	}
	rows := [][]string{}
	if first {
		rows = append(rows, []string{"Time", "Result", "Identity", "App", "Audience", "Protocol", "Process", "Token or reason"})
	}
	for _, raw := range records {
		var r signInRow
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		rows = append(rows, r.cells())
	}
	return writeRows(a.std.out, rows)
}

func (r signInRow) cells() []string {
	who := r.Name
	for _, other := range []string{r.Client, r.Principal} {
		if who == "" {
			who = other
		}
	}
	end := r.Token
	if r.Result == "failure" {
		end = r.Code + ": " + r.Reason
		if r.Unsaid > 0 {
			end += fmt.Sprintf(" (and %d like it before)", r.Unsaid)
		}
	}
	process := ""
	if r.Process.PID != 0 {
		process = fmt.Sprintf("pid=%d uid=%d exe=%s", r.Process.PID, r.Process.UID, r.Process.Program)
	}
	cells := []string{r.Time.Local().Format("2006-01-02 15:04:05"), r.Result, who, r.App.Name(), r.Audience, r.Protocol, process, end}
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	return cells
}

// oneLine keeps what strangers sent from moving the cursor.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
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
