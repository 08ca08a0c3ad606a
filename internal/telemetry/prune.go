package telemetry

import (
	"context"
	"fmt"
	"time"
)

const (
	// keepActivity is how long records are kept: as long as Azure keeps its activity log.
	keepActivity = 90 * 24 * time.Hour
	// pruneEvery is how often what is too old is taken away.
	pruneEvery = time.Hour
	// maxBytes bounds what records take up on the disk; what is free in the file is used again.
	maxBytes = 256 << 20
)

// prune takes away what is older than records are kept, and the oldest while all take up too much.
func (h *History) prune(ctx context.Context) error {
	if now := h.now(); now.Sub(h.pruned) >= pruneEvery {
		h.pruned = now
		if _, err := h.db.ExecContext(ctx, `delete from activity where at < ?`, now.Add(-keepActivity).UnixNano()); err != nil {
			return fmt.Errorf("delete records of long ago: %w", err)
		}
	}
	for {
		size, err := h.size(ctx)
		if err != nil || size <= h.most {
			return err
		}
		const oldest = `delete from activity where seq <= (select min(seq) + (max(seq) - min(seq)) / 16 from activity)`
		gone, err := h.db.ExecContext(ctx, oldest)
		if err != nil {
			return fmt.Errorf("delete oldest records: %w", err)
		}
		n, err := gone.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		if !h.full {
			h.log.Warn("the oldest activity records are taken away: all of them take up too much", "bytes", size, "most", h.most)
		}
		h.full = true
	}
}

// size gives how many bytes of the file are in use.
func (h *History) size(ctx context.Context) (bytes int64, err error) {
	const used = `select (c.page_count - f.freelist_count) * s.page_size from pragma_page_count c, pragma_freelist_count f, pragma_page_size s`
	if err := h.db.QueryRowContext(ctx, used).Scan(&bytes); err != nil {
		return 0, fmt.Errorf("measure activity records: %w", err)
	}
	return bytes, nil
}
