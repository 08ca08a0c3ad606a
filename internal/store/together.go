package store

import (
	"context"
	"errors"
)

// Together runs loops, those of views and of what works beside them, until ctx or one of them ends. Then it
// ends the others, and returns when all have, with whatever made them.
func Together(ctx context.Context, loops ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(loops))
	for _, loop := range loops {
		go func() { ended <- loop(ctx) }()
	}
	var all error
	for range loops {
		all = errors.Join(all, <-ended)
		stop()
	}
	return all
}
