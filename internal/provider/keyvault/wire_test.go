package keyvault_test

import (
	"testing"

	"lanyard/internal/provider/providertest"
)

func TestTranscripts(t *testing.T) {
	providertest.Transcripts(t, func(t *testing.T) (*providertest.World, map[string]string) {
		w, _ := begin(t)
		return w, nil
	})
}
