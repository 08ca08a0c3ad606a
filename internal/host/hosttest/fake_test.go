package hosttest

import (
	"testing"

	"lanyard/internal/host"
)

func TestTheFakePassesItsOwnSuite(t *testing.T) {
	Run(t, Bench{
		Engine:  func(*testing.T) host.Engine { return Fake{Programs: Programs()} },
		Command: func(name string) []string { return []string{name} },
	})
}
