package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lanyard/internal/cloud"
)

// signInRow is what a table shows of a record.
type signInRow struct {
	Seq        int64         `json:"seq"`
	Result     string        `json:"result"`
	Time       time.Time     `json:"time"`
	Name       string        `json:"name"`
	Principal  string        `json:"principal"`
	Client     string        `json:"client"`
	App        cloud.ID      `json:"app"`
	Audience   string        `json:"audience"`
	Protocol   string        `json:"protocol"`
	Process    cloud.Process `json:"process"`
	Token      string        `json:"token"`
	Code       string        `json:"code"`
	Reason     string        `json:"reason"`
	Suppressed int64         `json:"suppressed"`
}

// printSignIns prints records; a table has the columns that people look for.
func (a *app) printSignIns(records []json.RawMessage, first bool) error {
	if !a.tabular() {
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
		if r.Suppressed > 0 {
			end += fmt.Sprintf(" (and %d like it before)", r.Suppressed)
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
