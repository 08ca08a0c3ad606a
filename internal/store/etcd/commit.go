package etcd

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

// maxInline is how many bytes of keys and values one request to etcd carries; etcd refuses requests
// of 1.5 MiB. Values beyond it go ahead in pieces.
const maxInline = 1 << 20

// overhead is more than what etcd's framing adds to a change, in bytes.
const overhead = 256

// Commit is store.Store.
func (s *Store) Commit(ctx context.Context, changes ...store.Change) (int64, error) {
	if err := store.Check(changes); err != nil {
		return 0, err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	defer leave()

	written, staged, err := s.encode(ctx, changes)
	if err != nil {
		s.drop(ctx, staged, "")
		return 0, fmt.Errorf("commit: %w", s.because(err))
	}
	return s.submit(ctx, changes, written, staged)
}

// submit makes the transaction, whose large values lie in staged.
func (s *Store) submit(ctx context.Context, changes []store.Change, written []string, staged string) (int64, error) {
	conditions, writes := plan(changes, written)
	if staged != "" {
		// Pieces that were cleared away meanwhile must not be pointed to.
		exist := clientv3.Compare(clientv3.CreateRevision(pieces(staged, "")), ">", 0)
		conditions = append(conditions, exist.WithPrefix())
	}
	answer, err := s.client.Txn(ctx).If(conditions...).Then(writes...).Commit()
	if err != nil {
		// Whether it was made is not known, so what it may point to stays until the next sweep.
		return 0, fmt.Errorf("commit: %w", s.because(err))
	}
	if !answer.Succeeded {
		s.drop(ctx, staged, "")
		return 0, fmt.Errorf("commit: %w", store.ErrConflict)
	}
	s.dropReplaced(ctx, answer)
	return answer.Header.Revision, nil
}

// encode gives the values as they lie in etcd. Those that do not fit into one request together are
// staged under the name it returns.
func (s *Store) encode(ctx context.Context, changes []store.Change) (written []string, staged string, err error) {
	room := maxInline
	for _, c := range changes {
		room -= 2*len(c.Key) + overhead // it stands in a condition and in a write
	}
	written = make([]string, len(changes))
	for i, c := range changes {
		switch {
		case c.Check || c.Value == nil:
		case len(c.Value) <= room:
			room -= len(c.Value)
			written[i] = inline + string(c.Value)
		default:
			if staged == "" {
				staged = newStage()
			}
			if written[i], err = s.stage(ctx, staged, c); err != nil {
				return nil, staged, err
			}
		}
	}
	return written, staged, nil
}

// plan spells the changes in etcd's terms.
func plan(changes []store.Change, written []string) (conditions []clientv3.Cmp, writes []clientv3.Op) {
	for i, c := range changes {
		key := documents + c.Key
		switch c.If {
		case store.Any:
		case 0:
			conditions = append(conditions, clientv3.Compare(clientv3.CreateRevision(key), "=", 0))
		default:
			conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(key), "=", c.If))
		}
		switch {
		case c.Check:
		case c.Value == nil:
			writes = append(writes, clientv3.OpDelete(key, clientv3.WithPrevKV()))
		default:
			writes = append(writes, clientv3.OpPut(key, written[i], clientv3.WithPrevKV()))
		}
	}
	return conditions, writes
}

// dropReplaced clears away the pieces of values that a transaction has overwritten.
func (s *Store) dropReplaced(ctx context.Context, answer *clientv3.TxnResponse) {
	for _, r := range answer.Responses {
		if put := r.GetResponsePut(); put != nil && put.PrevKv != nil {
			s.dropValue(ctx, put.PrevKv)
		}
		if gone := r.GetResponseDeleteRange(); gone != nil {
			for _, kv := range gone.PrevKvs {
				s.dropValue(ctx, kv)
			}
		}
	}
}
