package keyvault_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/provider/keyvault"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

// stubborn is a store that commits nothing while it is told so.
type stubborn struct {
	store.Store
	refuses atomic.Bool
}

func (s *stubborn) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	if s.refuses.Load() {
		return 0, errors.New("the store is down")
	}
	return s.Store.Commit(ctx, changes...)
}

func TestSecretsThatCouldNotBeSweptGoWithinTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keep := mem.New()
		s := &stubborn{Store: keep}
		key := cloud.KeysVault + strings.ToLower(vault) + "/secrets/a"
		if _, err := s.Commit(t.Context(), store.Change{Key: key, Value: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		s.refuses.Store(true)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- keyvault.Sweeper{Store: s, Profile: cloud.Azure}.Run(ctx) }()
		there := func() bool {
			synctest.Wait()
			e, err := keep.Get(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			return e.Revision != 0
		}
		if !there() {
			t.Fatal("it was swept although the store took nothing")
		}
		s.refuses.Store(false)
		time.Sleep(time.Hour)
		if there() {
			t.Error("it is still there an hour later")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := keep.Close(); err != nil {
			t.Error(err)
		}
	})
}
