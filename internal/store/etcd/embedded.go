package etcd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"

	"lanyard/internal/store"
)

// What lies in a store's folder.
const (
	lockName = "lock"     // held by the process that uses the folder
	dataName = "etcd"     // etcd's own; whole, since it comes into being by a rename
	newName  = "etcd.new" // one that is being made
)

// patience is how long a folder's previous user is given to let go of it.
const patience = time.Second

// quota is etcd's upper bound for the file that holds the state, in bytes.
const quota = 8 << 30

// kept is for how long etcd keeps what was overwritten, so that a watcher may resume.
const kept = "10m"

func openEmbedded(ctx context.Context, c Config) (*Store, error) {
	lock, err := claim(ctx, c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", c.Dir, err)
	}
	server, err := launch(ctx, c.Dir, c.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store in %s: %w", c.Dir, err), lock.Close())
	}
	s := &Store{
		client: v3client.New(server.Server),
		// The only member has applied whatever it has acknowledged, so a read need not ask a quorum.
		reads: []clientv3.OpOption{clientv3.WithSerializable()},
		log:   c.Log,
		release: func() error {
			server.Close()
			return lock.Close()
		},
	}
	if err := s.begin(ctx, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("open store in %s: %w", c.Dir, err), s.Close())
	}
	return s, nil
}

// claim makes the folder and locks it. Without a lock of its own etcd would wait forever for the
// one on its database.
func claim(ctx context.Context, dir string) (*fileutil.LockedFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		lock, err := fileutil.TryLockFile(filepath.Join(dir, lockName), os.O_WRONLY|os.O_CREATE, 0o600)
		if !errors.Is(err, fileutil.ErrLocked) {
			return lock, err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: another process is using it; stop that one first, or choose another folder", store.ErrInUse)
		}
	}
}

// launch starts etcd on the folder. The first time it does so beside the place where the data will
// lie and moves it there when it is ready: etcd killed while it makes its first log comes back as a
// member of no cluster, and waits for a leader forever.
func launch(ctx context.Context, dir string, log *slog.Logger) (*embed.Etcd, error) {
	data, made := filepath.Join(dir, dataName), filepath.Join(dir, newName)
	if _, err := os.Lstat(data); errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(made); err != nil {
			return nil, err
		}
		// It is stopped as soon as it is ready, of which etcd has much to say.
		first, err := start(ctx, made, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		first.Close()
		if err := os.Rename(made, data); err != nil {
			return nil, err
		}
		if err := syncDir(dir); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return start(ctx, data, log)
}

// start runs etcd until it can commit. What etcd says by panicking at its own start, of a damaged
// file for example, becomes an error; etcd keeps its files open then, so the process must end before
// anybody opens the folder again.
func start(ctx context.Context, data string, log *slog.Logger) (server *embed.Etcd, err error) {
	defer func() {
		if told := recover(); told != nil {
			server, err = nil, fmt.Errorf("start etcd: %v", told)
		}
	}()
	server, err = embed.StartEtcd(settings(data, log))
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, nil
	case <-server.Server.StopNotify():
		err = errors.New("start etcd: it stopped")
	case <-ctx.Done():
		err = fmt.Errorf("start etcd: %w", ctx.Err())
	}
	server.Close()
	return nil, err
}

// settings describe a cluster of one that listens nowhere: any process that reached a socket could
// rewrite grants.
func settings(data string, log *slog.Logger) *embed.Config {
	c := embed.NewConfig()
	c.Name, c.Dir = "lanyard", data
	c.ListenPeerUrls, c.ListenClientUrls, c.AdvertiseClientUrls = nil, nil, nil
	// A member must have an address, though nothing listens there; a number needs no look-up.
	c.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.AuthToken = "" // no logins: nobody reaches it but this process
	c.TickMs, c.ElectionMs = 10, 100
	c.QuotaBackendBytes = quota
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModePeriodic, kept
	// Nobody has to catch up from the log, and what it holds lies in memory too.
	c.SnapshotCount, c.SnapshotCatchUpEntries = 2000, 100
	c.WarningApplyDuration, c.WarningUnaryRequestDuration = time.Second, time.Second
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(bridge(log))
	return c
}

func syncDir(dir string) error {
	d, err := fileutil.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(fileutil.Fsync(d), d.Close())
}
