package cloud_test

import (
	"testing"

	"lanyard/internal/cloud"
)

func TestAHostHeaderNamesAHost(t *testing.T) {
	for header, want := range map[string]string{
		"":                           "",
		"Management.Azure.com":       "management.azure.com",
		"management.azure.com.:4140": "management.azure.com",
		"kv.vault.azure.net:":        "kv.vault.azure.net",
		"127.0.0.1:4140":             "127.0.0.1",
		"[::1]:4140":                 "::1",
		"[::1]":                      "::1",
		"::1":                        "::1",
		":4140":                      "",
	} {
		if got := cloud.HostName(header); got != want {
			t.Errorf("%q names %q, want %q", header, got, want)
		}
	}
}
