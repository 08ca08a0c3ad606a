package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// status is how a program failed, and what it said.
type status struct {
	code int
	said string
}

func (s status) Error() string { return s.said }

// byAz signs az in as the app, and has it ask for a token.
func byAz(q question) (answer, error) {
	config, err := os.MkdirTemp("", "ask-az-")
	if err != nil {
		return answer{}, err
	}
	defer os.RemoveAll(config)
	if _, err := az(config, login(q)...); err != nil {
		return answer{}, err
	}
	out, err := az(config, "account", "get-access-token", "--resource", q.Resource)
	if err != nil {
		return answer{}, err
	}
	var got struct {
		AccessToken string
		Expires     int64  `json:"expires_on"`
		ExpiresOn   string // local time; all that older versions tell
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return answer{}, fmt.Errorf("read what az printed: %w", err)
	}
	if got.Expires == 0 {
		at, err := time.ParseInLocation("2006-01-02 15:04:05.999999", got.ExpiresOn, time.Local)
		if err != nil {
			return answer{}, err
		}
		got.Expires = at.Unix()
	}
	return said(got.AccessToken, time.Unix(got.Expires, 0)), nil
}

// login gives the command that signs in: older versions know --username alone, whatever it names.
func login(q question) []string {
	if file := os.Getenv("AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		id := os.Getenv("AZURE_CLIENT_ID")
		if by, value, _ := strings.Cut(q.Selector, "="); by == "client_id" {
			id = value
		}
		return []string{"login", "--service-principal", "--username", id, "--tenant", os.Getenv("AZURE_TENANT_ID"), "--federated-token", string(text)}
	}
	args := []string{"login", "--identity"}
	if by, value, ok := strings.Cut(q.Selector, "="); ok && os.Getenv("AZ_BY_USERNAME") != "" {
		args = append(args, "--username", value)
	} else if ok {
		args = append(args, "--"+strings.ReplaceAll(by, "_", "-"), value)
	}
	return args
}

// az runs one command. Its script looks for a shell and a Python on the PATH.
func az(config string, args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(os.Getenv("AZ"), args...)
	cmd.Env = append(os.Environ(), "AZURE_CONFIG_DIR="+config, "PATH=/usr/local/bin:/usr/bin:/bin")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			return nil, err
		}
		return nil, status{cmd.ProcessState.ExitCode(), strings.TrimSpace(errs.String())}
	}
	return out.Bytes(), nil
}
