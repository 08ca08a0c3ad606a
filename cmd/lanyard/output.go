package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/jmespath-community/go-jmespath"
	"gopkg.in/yaml.v3"
)

// app is what every command shares: where the state is and how results are printed.
type app struct {
	std    stdio
	state  string
	output string
	query  string
}

// print writes a result in the form --output asks for, after --query has been applied to it.
func (a *app) print(result any) error {
	value, err := plain(result)
	if err != nil {
		return err
	}
	if a.query != "" {
		if value, err = jmespath.Search(a.query, value); err != nil {
			return hinted{fmt.Sprintf("--query %q is not valid JMESPath: %v", a.query, err), "lanyard group list --query '[].name' --output tsv"}
		}
	}
	switch a.output {
	case "none":
		return nil
	case "json", "jsonc":
		return writeJSON(a.std.out, value)
	case "yaml":
		enc := yaml.NewEncoder(a.std.out)
		enc.SetIndent(2)
		return enc.Encode(value)
	case "tsv":
		return writeTSV(a.std.out, value)
	case "table":
		return writeTable(a.std.out, value)
	}
	return hinted{fmt.Sprintf("--output %q is not one of json, jsonc, yaml, table, tsv, none", a.output), "--output table"}
}

// tabular reports whether a result is printed as a table of its own choice of columns.
func (a *app) tabular() bool { return a.output == "table" && a.query == "" }

// plain turns a result into maps, slices and scalars, as JSON sees it.
func plain(result any) (any, error) {
	raw, ok := result.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(result); err != nil {
			return nil, err
		}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	var value any
	return value, json.Unmarshal(raw, &value)
}

func writeJSON(w io.Writer, value any) error {
	if value == nil {
		return nil
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// writeTSV prints as az does: a scalar is a line, a list is a line per item, an object a line of
// its scalar values in key order.
func writeTSV(w io.Writer, value any) error {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	for _, item := range items {
		if _, err := fmt.Fprintln(w, strings.Join(tsvRow(item), "\t")); err != nil {
			return err
		}
	}
	return nil
}

func tsvRow(item any) []string {
	switch v := item.(type) {
	case []any:
		var row []string
		for _, x := range v {
			row = append(row, scalar(x))
		}
		return row
	case map[string]any:
		var row []string
		for _, k := range sortedKeys(v) {
			row = append(row, scalar(v[k]))
		}
		return row
	}
	return []string{scalar(item)}
}

func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case float64:
		if v == float64(int64(v)) {
			return fmt.Sprint(int64(v))
		}
		return fmt.Sprint(v)
	case []any, map[string]any:
		b, _ := json.Marshal(v)
		return string(b)
	}
	return fmt.Sprint(v)
}

// writeTable prints one row an item and one column for each scalar member that any item has.
func writeTable(w io.Writer, value any) error {
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	var columns []string
	for _, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return writeTSV(w, value)
		}
		for _, k := range sortedKeys(m) {
			if !isNested(m[k]) && !slices.Contains(columns, k) {
				columns = append(columns, k)
			}
		}
	}
	if len(columns) == 0 {
		return nil
	}
	sort.SliceStable(columns, func(i, j int) bool { return rank(columns[i]) < rank(columns[j]) })
	rows := [][]string{titles(columns)}
	for _, item := range items {
		var cells []string
		for _, c := range columns {
			cells = append(cells, scalar(item.(map[string]any)[c]))
		}
		rows = append(rows, cells)
	}
	return writeRows(w, rows)
}

// writeRows prints rows in columns that stand below one another.
func writeRows(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

func isNested(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// rank puts what people look for first in front.
func rank(column string) int {
	leading := []string{"name", "displayName", "kid", "resourceGroup", "location"}
	if i := slices.Index(leading, column); i >= 0 {
		return i
	}
	return len(leading)
}

func titles(columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = strings.ToUpper(c[:1]) + c[1:]
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
