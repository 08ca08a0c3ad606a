package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/edge"
)

// MetadataHost is where clients look for a virtual machine's instance metadata, and most of them
// nowhere else (wire-facts: "Environment variables and precedence").
const MetadataHost = "169.254.169.254"

// listenMetadata takes the second address, where the configuration names one.
func (p *Platform) listenMetadata(ctx context.Context) error {
	if p.config.Metadata == "" {
		return nil
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", p.config.Metadata)
	if err != nil {
		return fmt.Errorf("listen for instance metadata: %w", err)
	}
	p.metadata = ln
	p.onStop(func() error {
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// metadataHosts are the Host headers under which clients speak to the second address.
func (p *Platform) metadataHosts() []string {
	if p.metadata == nil {
		return nil
	}
	address := p.metadata.Addr().String()
	return []string{address, strings.TrimSuffix(address, ":80")}
}

// serveMetadata answers at the second address: nothing but the paths of instance metadata, and no proxy.
func (p *Platform) serveMetadata(ctx context.Context, identities http.Handler) {
	if p.metadata == nil {
		return
	}
	second := &edge.Edge{Authority: p.edge.Authority, Profile: cloud.Azure, Log: p.log, Plain: metadataOnly(identities)}
	p.keep(ctx, &p.doors, "instance metadata", func(ctx context.Context) error { return second.Serve(ctx, p.metadata) })
}

// metadataOnly passes on what asks for instance metadata.
func metadataOnly(identities http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/metadata/") {
			http.NotFound(w, r)
			return
		}
		identities.ServeHTTP(w, r)
	})
}
