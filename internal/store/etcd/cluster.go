package etcd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// answerWithin is how long a cluster may take to answer when the store is opened.
	answerWithin = 10 * time.Second
	// litterAge is how old a large value must be, without a document that holds it, to be cleared
	// away: far older than any commit of another process that may still be under way.
	litterAge = time.Hour
)

func openCluster(ctx context.Context, c Config) (*Store, error) {
	for _, endpoint := range c.Endpoints {
		if err := admit(endpoint, c); err != nil {
			return nil, fmt.Errorf("open store at %s: %w", endpoint, err)
		}
	}
	if c.TLS == nil {
		c.Log.Warn("the store's cluster is used without TLS: any process on this machine can rewrite it")
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: c.Endpoints, TLS: c.TLS, Logger: bridge(c.Log),
		DialTimeout: answerWithin, DialKeepAliveTime: 10 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("open store at %v: %w", c.Endpoints, err)
	}
	s := &Store{client: client, log: c.Log, release: func() error { return nil }}
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := s.begin(within, litterAge); err != nil {
		return nil, errors.Join(fmt.Errorf("open store at %v: %w", c.Endpoints, err), s.Close())
	}
	return s, nil
}

// admit refuses an endpoint that others could listen to or pose as. The scheme matters although
// there is a TLS configuration: etcd's client does without TLS for an http endpoint.
func admit(endpoint string, c Config) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("an endpoint has the form https://host:port")
	}
	if u.Scheme == "http" {
		if c.TLS != nil || !loopback(u.Hostname()) {
			return errors.New("an endpoint needs https; only one on loopback may do without TLS")
		}
		return nil
	}
	if c.TLS == nil {
		return errors.New("an https endpoint needs the cluster's authority and a client certificate")
	}
	if c.TLS.InsecureSkipVerify {
		return errors.New("the cluster's certificate must be verified")
	}
	if len(c.TLS.Certificates) == 0 && c.TLS.GetClientCertificate == nil && !loopback(u.Hostname()) {
		return errors.New("an endpoint needs a client certificate, so that nobody else may write")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
