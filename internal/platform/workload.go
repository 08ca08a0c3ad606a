package platform

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// workload lays a replica's own token where its SDK exchanges it from, keeps it fresh until ctx ends, and
// gives the variables that lead there. remove takes it away.
func (p *Platform) workload(ctx context.Context, r *host.Replica, asked cloud.ClientID) (variables []string, remove func(), err error) {
	client := asked
	for _, id := range r.Identities() {
		if id.Kind == cloud.UserAssigned && id.Lifecycle.Opens(r.Init) {
			client = cmp.Or(client, id.Client)
		}
	}
	if client == "" {
		return nil, nil, fault.New(fault.Conflict, "NoUserAssignedIdentity", "The source %s needs a user-assigned identity, and %s has none to use.", host.SourceWorkload, r.App.Name()).
			Try("lanyard containerapp identity assign --name %s --resource-group %s --user-assigned NAME, or --client-id", r.App.Name(), r.App.Group())
	}
	dir, err := makeTokenFolder(p.config.State, r.User())
	if err != nil {
		return nil, nil, err
	}
	file := tokenFile{path: filepath.Join(dir, "azure-identity-token"), user: r.User()}
	if err := file.write(ctx, p, r); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	ended := make(chan struct{})
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer close(ended)
		file.renew(ctx, p, r)
	}()
	remove = func() {
		stop()
		<-ended
		if err := os.RemoveAll(dir); err != nil {
			p.log.Error("a replica's token stays", httpkit.KeyReplica, r, httpkit.KeyError, err)
		}
	}
	return []string{
		"AZURE_FEDERATED_TOKEN_FILE=" + file.path, "AZURE_CLIENT_ID=" + string(client),
		"AZURE_TENANT_ID=" + string(p.deed.Tenant), "AZURE_AUTHORITY_HOST=https://" + cloud.Azure.Authority + "/",
	}, remove, nil
}

// tokenFolders gives the beginning of the paths of a state folder's tokens.
func tokenFolders(state string) string {
	sum := sha256.Sum256([]byte(state))
	return filepath.Join(openFolder(), "lanyard-token-"+hex.EncodeToString(sum[:6])+"-")
}

// makeTokenFolder makes a folder for a replica's token. It stays ours, where we are root too: in a folder
// of its own a replica could lay a link under a name that we are about to write to.
func makeTokenFolder(state string, user int) (string, error) {
	at := tokenFolders(state)
	dir, err := os.MkdirTemp(filepath.Dir(at), filepath.Base(at)) // 0700
	if err == nil && user != 0 && os.Getuid() == 0 {
		err = os.Chmod(dir, 0o711) // to be passed through by who knows the name of what is in it
	}
	if err != nil {
		return "", fmt.Errorf("make a folder for a token: %w", err)
	}
	return dir, nil
}

// removeTokens removes the tokens that a platform left on this state folder which was killed.
func removeTokens(state string) error {
	left, err := filepath.Glob(tokenFolders(state) + "*")
	for _, dir := range left {
		if s, lost := os.Lstat(dir); lost == nil && s.IsDir() {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// tokenFile is where one replica finds its own token.
type tokenFile struct {
	path string
	user int
	born time.Time
	life time.Duration
}

// write lays a new token, whole or not at all.
func (f *tokenFile) write(ctx context.Context, p *Platform, r *host.Replica) error {
	born := p.now()
	token, ends, err := p.workloadToken(ctx, r)
	if err != nil {
		return fmt.Errorf("make the replica's token: %w", err)
	}
	next := f.path + ".next"
	if err := os.WriteFile(next, []byte(token.Open()), 0o600); err != nil {
		return fmt.Errorf("write the replica's token: %w", err)
	}
	if err := errors.Join(ownedBy(next, f.user), os.Rename(next, f.path)); err != nil {
		return fmt.Errorf("write the replica's token: %w", err)
	}
	f.born, f.life = born, ends.Sub(born)
	return nil
}

// renew lays a new token when four fifths of the last one's life are over, as kubelet does, until ctx ends.
func (f *tokenFile) renew(ctx context.Context, p *Platform, r *host.Replica) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p.clock.Age(f.born) < f.life/5*4 {
			continue
		}
		if err := f.write(ctx, p, r); err != nil && ctx.Err() == nil {
			p.log.Error("a replica's token is not renewed", httpkit.KeyReplica, r, httpkit.KeyError, err)
		}
	}
}

// ownedBy gives a file to a user where this program may.
func ownedBy(path string, user int) error {
	if user == 0 || os.Getuid() != 0 {
		return nil
	}
	return os.Lchown(path, user, user)
}

// workloadToken gives a replica's own token, which its SDK shows for a token of an identity that trusts
// it, and when it ends (wire-facts: "Workload identity (federated)").
func (p *Platform) workloadToken(ctx context.Context, r *host.Replica) (raw cloud.Sealed, ends time.Time, err error) {
	w := issuer.Workload{
		Issuer: cloud.Azure.WorkloadIssuer(p.deed.Tenant), Audience: cloud.TokenExchange,
		Group: r.App.Group(), Account: r.App.Name(), Replica: r.Name,
	}
	minted, err := p.issuer.Vouch(ctx, w)
	if err != nil {
		return cloud.Sealed{}, time.Time{}, err
	}
	err = p.signIns.Record(ctx, cloud.SignIn{
		Token: minted.ID, Key: minted.KeyID, Time: p.now(), Expires: minted.Expires, Name: w.Subject(),
		App: r.App, Replica: r.Name, Audience: cloud.TokenExchange, Protocol: "workload",
	})
	if err != nil {
		return cloud.Sealed{}, time.Time{}, err
	}
	return minted.Token, minted.Expires, nil
}
