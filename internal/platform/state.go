package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lanyard/internal/secret"
	"lanyard/internal/store/etcd"
	"lanyard/internal/store/mem"
	"lanyard/internal/telemetry"
)

// openState opens the folder, the master key and the store.
func (p *Platform) openState(ctx context.Context) error {
	state, err := filepath.Abs(p.config.State)
	if err != nil {
		return err
	}
	p.config.State = state
	if p.config.Ephemeral {
		if err := p.emptyState(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	if err := checkOwn(state); err != nil {
		return err
	}
	if err := os.Chmod(state, 0o700); err != nil {
		return fmt.Errorf("close the folder to others: %w", err)
	}
	if p.box, err = secret.OpenFile(filepath.Join(state, "master.key")); err != nil {
		return err
	}
	if p.config.Ephemeral {
		p.store = mem.New()
	} else if p.store, err = etcd.Open(ctx, etcd.Config{Dir: filepath.Join(state, "store"), Log: p.log}); err != nil {
		return err
	}
	p.onStop(p.store.Close)
	p.deed, err = readDeed(ctx, p.store)
	return err
}

// emptyState makes sure that an ephemeral world neither hides nor removes a lasting one.
func (p *Platform) emptyState() error {
	entries, err := os.ReadDir(p.config.State)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: --ephemeral keeps nothing, so it wants a folder of its own (--state DIR)", p.config.State)
	}
	p.onStop(func() error { return os.RemoveAll(p.config.State) })
	return nil
}

// openRecords opens the records of who changed what and of who got tokens, beside the store.
func (p *Platform) openRecords(ctx context.Context) (err error) {
	beside := func(name string) string {
		if p.config.Ephemeral {
			return ""
		}
		return filepath.Join(p.config.State, name)
	}
	if p.history, err = telemetry.OpenHistory(ctx, beside("activity.db"), p.config.Now, p.log); err != nil {
		return err
	}
	p.onStop(p.history.Close)
	keeping := telemetry.Keeping{Degrade: p.config.Degrade, Now: p.config.Now, Log: p.log}
	if p.signIns, err = telemetry.OpenSignIns(ctx, beside("signins.db"), keeping); err != nil {
		return err
	}
	p.onStop(p.signIns.Close)
	return nil
}
