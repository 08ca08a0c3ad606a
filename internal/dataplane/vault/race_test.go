package vault

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// meddler is a store in which something happens right before the next commit.
type meddler struct {
	store.Store
	mu     sync.Mutex
	before func()
}

func (m *meddler) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	m.mu.Lock()
	happens := m.before
	m.before = nil
	m.mu.Unlock()
	if happens != nil {
		happens()
	}
	return m.Store.Commit(ctx, changes...)
}

// meddle gives the world a vault with a document, and a store that can be meddled with.
func meddle(t *testing.T) (*world, *meddler) {
	w := newWorld(t)
	m := &meddler{Store: w.store}
	w.door.Store = m
	w.rewrite(`{}`)
	if rec := w.ask(officer, http.MethodPut, "/secrets/db"+query, `{"value":"one"}`); rec.Code != 200 {
		t.Fatalf("set answered %d %s", rec.Code, rec.Body)
	}
	return w, m
}

// rewrite changes the vault's document, or takes it and the vault away.
func (w *world) rewrite(document string) {
	var value []byte
	if document != "" {
		value = []byte(document)
	}
	revision, err := w.store.Commit(context.Background(), store.Change{Key: cloud.DocumentKey(vaultID), Value: value, If: store.Any})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.vault.Revision, w.gone = revision, document == ""
}

// writes are the requests that change a vault.
var writes = map[string]struct{ method, target, body string }{
	"set":    {http.MethodPut, "/secrets/db", `{"value":"two"}`},
	"update": {http.MethodPatch, "/secrets/db/", `{"contentType":"t"}`},
	"delete": {http.MethodDelete, "/secrets/db", ""},
}

func TestNoWriteReachesAVaultThatIsGone(t *testing.T) {
	for claim, write := range writes {
		t.Run(claim, func(t *testing.T) {
			w, m := meddle(t)
			before := len(w.stored())
			m.before = func() { w.rewrite("") }
			rec := w.ask(officer, write.method, write.target+query, write.body)
			if rec.Code != 404 || !strings.Contains(rec.Body.String(), "VaultNotFound") {
				t.Errorf("answered %d %s", rec.Code, rec.Body)
			}
			if after := len(w.stored()); after != before {
				t.Errorf("%d entries became %d", before, after)
			}
		})
	}
}

func TestAWriteIsHeldAgainstTheVaultOfNow(t *testing.T) {
	for claim, write := range writes {
		t.Run(claim, func(t *testing.T) {
			w, m := meddle(t)
			m.before = func() { w.rewrite(`{"tags":{"a":"b"}}`) }
			if rec := w.ask(officer, write.method, write.target+query, write.body); rec.Code != 200 {
				t.Errorf("after a change of the vault: %d %s", rec.Code, rec.Body)
			}
		})
		t.Run(claim+" without rights any more", func(t *testing.T) {
			w, m := meddle(t)
			m.before = func() {
				w.rewrite(`{"tags":{"a":"b"}}`)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.grants = nil
			}
			if rec := w.ask(officer, write.method, write.target+query, write.body); rec.Code != 403 {
				t.Errorf("answered %d %s", rec.Code, rec.Body)
			}
		})
	}
}

func TestAPurgeIsHeldAgainstTheVaultToo(t *testing.T) {
	w, m := meddle(t)
	w.ask(officer, http.MethodDelete, "/secrets/db"+query, "")
	w.grant(officer, "Key Vault Administrator", vaultID)
	before := len(w.stored())
	m.before = func() { w.rewrite("") }
	if rec := w.ask(officer, http.MethodDelete, "/deletedsecrets/db"+query, ""); rec.Code != 409 {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
	if after := len(w.stored()); after != before {
		t.Errorf("%d entries became %d", before, after)
	}
}

// stored gives what the store has of the vault's secrets.
func (w *world) stored() []store.Entry {
	all, _, err := w.store.List(context.Background(), cloud.KeysVault)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}
