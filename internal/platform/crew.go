package platform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// crew is what runs and ends together, by name.
type crew struct {
	mu   sync.Mutex
	ends map[string]chan struct{} // closed when what has the name ended
}

// run starts something that has a name of its own in the crew.
func (c *crew) run(name string, do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends == nil {
		c.ends = map[string]chan struct{}{}
	}
	end := make(chan struct{})
	c.ends[name] = end
	go func() {
		defer close(end)
		do()
	}()
}

// wait returns when all have ended, or names those who had not when ctx did.
func (c *crew) wait(ctx context.Context) error {
	c.mu.Lock()
	ends := maps.Clone(c.ends)
	c.mu.Unlock()
	for _, end := range ends {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	maps.DeleteFunc(ends, func(_ string, end chan struct{}) bool {
		select {
		case <-end:
			return true
		default:
			return false
		}
	})
	if len(ends) == 0 {
		return nil
	}
	return fmt.Errorf("the %s did not end: %w", strings.Join(slices.Sorted(maps.Keys(ends)), ", the "), context.Cause(ctx))
}
