package edge

import (
	"container/list"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"

	"lanyard/internal/cloud"
)

const (
	leafLife  = 30 * 24 * time.Hour
	leafRenew = 10 * 24 * time.Hour // before its end
	maxLeaves = 256                 // certificates kept; names under lanyard.localhost are anybody's to invent
)

// Certificate gives the certificate for a host name that is served here. No name, localhost and
// addresses get the one of the port itself: localhost, 127.0.0.1 and ::1. Other names are
// refused.
func (a *Authority) Certificate(host string) (*tls.Certificate, error) {
	host = cloud.HostName(host)
	if isPort(host) {
		host = "localhost"
	} else if !answers(a.profile, host) {
		return nil, fmt.Errorf("issue certificate for %q: %w", host, errForeignName)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if cert := a.leaves.find(host); cert != nil && now.After(cert.Leaf.NotBefore) && now.Before(cert.Leaf.NotAfter.Add(-leafRenew)) {
		return cert, nil
	}
	// A renewal that cannot be written is tried again with the next certificate; until the
	// authority's own certificate ends, nobody has to know.
	if a.due(a.cert) {
		if err := a.renew(); err != nil && now.After(a.cert.NotAfter) {
			return nil, err
		}
	}
	cert, err := a.issue(host, now)
	if err != nil {
		return nil, err
	}
	a.leaves.keep(host, cert)
	return cert, nil
}

func (a *Authority) issue(host string, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{"Lanyard"}},
		NotBefore:   now.Add(-skew),
		NotAfter:    now.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{host},
	}
	if template.NotAfter.After(a.cert.NotAfter) { // a chain holds no longer than its shortest part
		template.NotAfter = a.cert.NotAfter
	}
	if host == "localhost" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, a.leafKey.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %q: %w", host, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate for %q: %w", host, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leafKey, Leaf: leaf}, nil
}

// leafCache keeps the maxLeaves certificates that were used last.
type leafCache struct {
	byHost map[string]*list.Element
	recent *list.List // of kept, latest first
}

type kept struct {
	host string
	cert *tls.Certificate
}

func newLeafCache() leafCache {
	return leafCache{byHost: map[string]*list.Element{}, recent: list.New()}
}

func (l leafCache) find(host string) *tls.Certificate {
	at := l.byHost[host]
	if at == nil {
		return nil
	}
	l.recent.MoveToFront(at)
	return at.Value.(kept).cert
}

func (l leafCache) keep(host string, cert *tls.Certificate) {
	if at := l.byHost[host]; at != nil {
		l.recent.Remove(at)
	}
	l.byHost[host] = l.recent.PushFront(kept{host, cert})
	if l.recent.Len() > maxLeaves {
		oldest := l.recent.Back()
		l.recent.Remove(oldest)
		delete(l.byHost, oldest.Value.(kept).host)
	}
}
