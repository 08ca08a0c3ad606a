package authorization_test

import (
	"testing"

	"lanyard/internal/provider/providertest"
)

func TestTranscripts(t *testing.T) {
	providertest.Transcripts(t, func(t *testing.T) (*providertest.World, map[string]string) {
		w := begin(t)
		w.Want(201, "", "PUT "+providertest.Group+"/providers/Toy.Shop/carts/c", `{"location":"westeurope"}`)
		return w, map[string]string{"$SHOP": string(w.Enroll("shop").ID)}
	})
}
