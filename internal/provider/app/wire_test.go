package app_test

import (
	"testing"

	"lanyard/internal/provider/providertest"
)

func TestTranscripts(t *testing.T) {
	providertest.Transcripts(t, func(t *testing.T) (*providertest.World, map[string]string) {
		return begin(t), nil
	})
}
