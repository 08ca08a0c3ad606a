package telemetry

import (
	"context"
	"log/slog"
	"time"

	"lanyard/internal/cloud"
)

// keepActivity is how long records are kept: as long as Azure keeps its activity log.
const keepActivity = 90 * 24 * time.Hour

// History keeps the records of activity in one SQLite file, 0600, for 90 days and up to 256 MiB:
// the oldest go first. Records are written in groups, off the way of whoever makes them, and none
// is lost by an orderly end. Its methods may be called at once from several goroutines.
type History struct{ *ledger[record] }

// OpenHistory opens the file at path, and makes it when there is none; "" keeps records in memory
// alone. A nil now means time.Now, a nil log discards.
func OpenHistory(ctx context.Context, path string, now func() time.Time, log *slog.Logger) (*History, error) {
	l, err := openLedger(ctx, path, book[record]{
		name: "activity records", schema: activitySchema, tables: []table{{name: "activity", life: keepActivity}},
		put: putActivity, statements: []string{insertActivity}, now: now, log: log,
	})
	if err != nil {
		return nil, err
	}
	return &History{l}, nil
}

// Record keeps a record. It never waits for the disk.
func (h *History) Record(a cloud.Activity) { h.add(recordOf(a)) }
