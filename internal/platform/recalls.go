package platform

import (
	"context"
	"errors"
	"net/http"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider/app"
	"lanyard/internal/store"
)

// forgetEvery is how often recalls are looked for whose tokens have all ended.
const forgetEvery = 10 * time.Minute

// selection names the tokens that `lanyard token revoke` and `refresh` mean. What is given must fit.
type selection struct {
	Token     string            `json:"id"`
	Principal cloud.PrincipalID `json:"principal"`
	App       string            `json:"app"`
	All       bool              `json:"all"`
}

func (p *Platform) revokeTokens(w http.ResponseWriter, r *http.Request) error {
	return p.recall(w, r, true)
}

func (p *Platform) refreshTokens(w http.ResponseWriter, r *http.Request) error {
	return p.recall(w, r, false)
}

// recall takes tokens back, or has caches alone drop them. When it answers, every guard of this process
// refuses them; those of others do as fast as they see any change of the store.
func (p *Platform) recall(w http.ResponseWriter, r *http.Request, refuse bool) error {
	asked, err := readSelection(r)
	if err != nil {
		return err
	}
	asked.Refuse = refuse
	kept, err := p.takeBack(r.Context(), asked)
	if errors.Is(err, directory.ErrTooManyRecalls) {
		return fault.New(fault.TooMany, "TooManyRecalls",
			"%d recalls are kept already; they go when the tokens they take back have ended.", directory.MaxRecalls).
			Try("lanyard token revoke --all")
	} else if err != nil {
		return err
	}
	httpkit.Note(r.Context(), "recall", kept.ID)
	return httpkit.WriteJSON(w, http.StatusOK, kept)
}

// takeBack writes a recall, and again when others who name the same were quicker. It returns when the
// directory knows.
func (p *Platform) takeBack(ctx context.Context, asked cloud.Recall) (cloud.Recall, error) {
	for {
		kept, change, err := p.directory.Recall(asked)
		if err != nil {
			return kept, err
		}
		revision, err := p.store.Commit(ctx, change)
		lost := errors.Is(err, store.ErrConflict)
		if lost {
			_, revision, err = p.store.List(ctx, change.Key)
		}
		if err == nil {
			err = p.directory.Await(ctx, revision)
		}
		if err != nil || !lost {
			return kept, err
		}
	}
}

func readSelection(r *http.Request) (cloud.Recall, error) {
	var s selection
	if err := readOrder(r, &s); err != nil {
		return cloud.Recall{}, err
	}
	recall := cloud.Recall{Token: s.Token, Principal: s.Principal}
	if s.App != "" {
		var err error
		if recall.App, err = readApp(s.App); err != nil {
			return cloud.Recall{}, err
		}
	}
	named := s.Token != "" || s.Principal != "" || s.App != ""
	switch {
	case named == s.All:
		return cloud.Recall{}, fault.New(fault.Invalid, "InvalidSelection", "Say which tokens: those of an identity, of an app, of one id, or all.").
			Try("lanyard token revoke --all")
	case s.Principal != "" && !cloud.IsGUID(string(s.Principal)):
		return cloud.Recall{}, fault.New(fault.Invalid, "InvalidPrincipal", "%s is not a principal's id.", fault.Clip(string(s.Principal)))
	case len(s.Token) > 64:
		return cloud.Recall{}, fault.New(fault.Invalid, "InvalidToken", "A token's id, its uti, is shorter.")
	}
	return recall, nil
}

// readApp reads the id of a container app.
func readApp(text string) (cloud.ID, error) {
	id, err := cloud.ParseID(text)
	if err != nil {
		return id, fault.New(fault.Invalid, "InvalidApp", "The app's id cannot be read: %v.", err)
	}
	if !id.Is(app.Apps) {
		return id, fault.New(fault.Invalid, "InvalidApp", "%s is not the id of a container app.", fault.Clip(text))
	}
	return id, nil
}

// forgetRecalls removes what is kept of tokens that have ended, until ctx ends.
func (p *Platform) forgetRecalls(ctx context.Context) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for changes := p.directory.Outdated(); len(changes) > 0; changes = p.directory.Outdated() {
			revision, err := p.store.Commit(ctx, changes...)
			if err == nil {
				err = p.directory.Await(ctx, revision)
			}
			if err != nil {
				if ctx.Err() == nil && !errors.Is(err, store.ErrConflict) {
					p.log.Error("forget recalls", httpkit.KeyError, err)
				}
				break
			}
		}
	}
}
