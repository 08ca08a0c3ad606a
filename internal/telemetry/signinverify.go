package telemetry

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lanyard/internal/cloud"
)

// Verified says whether the records of tokens are those that were written.
type Verified struct {
	Records int64     `json:"records"`
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	// Head covers all records there ever were. Whoever notes it can have it looked for later: a file
	// that was cut off at its end, or written anew, no longer leads there.
	Head string `json:"head"`
	// Broken says what is wrong, and about which record; empty when nothing is.
	Broken string `json:"broken,omitempty"`
	Seq    int64  `json:"seq,omitempty"`
}

// Verify goes through all records of tokens and holds each against the digest that follows it. A noted
// head, when one is given, has to be among the digests. That the oldest records are gone is no
// fault: they are taken away in time.
func (s *SignIns) Verify(ctx context.Context, noted string) (v Verified, err error) {
	want, err := hex.DecodeString(noted)
	if err != nil {
		return Verified{Broken: "the noted head is no digest in hexadecimal"}, nil
	}
	ctx = context.WithoutCancel(ctx)
	s.catchUp(ctx, patienceToFind)
	tx, err := s.read.BeginTx(ctx, nil) // head and records of one moment
	if err != nil {
		return v, fmt.Errorf("verify sign-ins: %w", err)
	}
	defer func() { err = errors.Join(err, ended(tx.Rollback())) }()
	var head []byte
	if err := tx.QueryRowContext(ctx, `select digest from head`).Scan(&head); err != nil {
		return v, fmt.Errorf("read head: %w", err)
	}
	w := walk{Verified: Verified{Head: hex.EncodeToString(head)}, noted: want}
	rows, err := tx.QueryContext(ctx, `select seq, app, principal, client, identity, name, at, before, body from signins order by seq`)
	if err != nil {
		return v, fmt.Errorf("verify sign-ins: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for w.Broken == "" && rows.Next() {
		if err := w.step(rows); err != nil {
			return v, err
		}
	}
	if err := rows.Err(); err != nil {
		return v, fmt.Errorf("verify sign-ins: %w", err)
	}
	w.end(head)
	return w.Verified, nil
}

// walk goes from record to record.
type walk struct {
	Verified
	next  []byte // the digest that follows the last record
	noted []byte
	met   bool // the noted digest
}

func (w *walk) step(rows *sql.Rows) error {
	var seq, at int64
	var m marks
	var before, body []byte
	if err := rows.Scan(&seq, &m.app, &m.principal, &m.client, &m.identity, &m.name, &at, &before, &body); err != nil {
		return fmt.Errorf("read sign-in: %w", err)
	}
	var in cloud.SignIn
	switch err := json.Unmarshal(body, &in); {
	case w.next != nil && !bytes.Equal(w.next, before):
		w.Broken = "this record does not follow the one before: one of them was changed, or what lay between was taken away"
	case err != nil:
		w.Broken = "this record cannot be read"
	case marksOf(in) != m || in.Time.UnixNano() != at:
		w.Broken = "this record is not found by what it says"
	}
	if w.Broken != "" {
		w.Seq = seq
		return nil
	}
	if w.Records == 0 {
		w.First, w.met = in.Time, bytes.Equal(before, w.noted)
	}
	w.Records++
	w.Last, w.next = in.Time, chain(before, body)
	w.met = w.met || bytes.Equal(w.next, w.noted)
	return nil
}

// end holds what the records lead to against the head.
func (w *walk) end(head []byte) {
	switch {
	case w.Broken != "":
	case w.next != nil && !bytes.Equal(w.next, head):
		w.Broken = "the last record was changed, or those after it were taken away"
	case len(w.noted) > 0 && !w.met && !bytes.Equal(head, w.noted):
		w.Broken = "the noted head is not among the records: they were written anew, or those that it covers are gone"
	}
}
