package trusted

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json" // exact member names; refuses duplicates

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// What a foreign host may use up (T25).
const (
	fetchTime   = 10 * time.Second // for both documents, from the first look-up to the last byte
	maxDocument = 1 << 20          // bytes of each
	maxHeader   = 16 << 10         // bytes of an answer's
	maxURL      = 2048             // bytes
)

// metadata is what is read of an OpenID provider's (OpenID Connect Discovery 1.0 section 3).
type metadata struct {
	Issuer string `json:"issuer"`
	Keys   string `json:"jwks_uri"`
}

// fetch asks an issuer for its keys. Its errors are faults, whose sentences name the issuer's fault.
func (t *Issuers) fetch(ctx context.Context, name string) (map[string]*rsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	transport := &http.Transport{
		DialContext:            func(ctx context.Context, _, address string) (net.Conn, error) { return t.Dial(ctx, address) },
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.Roots},
		DisableCompression:     true, // what is bounded is what comes over the wire
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	document, err := t.load(ctx, client, strings.TrimSuffix(name, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	where, err := readMetadata(document, name)
	if err != nil {
		return nil, err
	}
	if document, err = t.load(ctx, client, where); err != nil {
		return nil, err
	}
	keys, err := token.ReadKeySet(document)
	if err == nil && len(keys) == 0 {
		err = errNoKeys
	}
	if err != nil {
		return nil, unfit("its key set holds no RSA key of 2048 to 8192 bits with an id for RS256.").Because(err)
	}
	return keys, nil
}

// readMetadata gives where an issuer says that its keys are. The document has to be that issuer's own,
// byte for byte: otherwise one host could speak for another.
func readMetadata(document []byte, name string) (string, error) {
	var m metadata
	if err := json.Unmarshal(document, &m); err != nil {
		return "", unfit("its discovery document cannot be read.").Because(err)
	}
	if m.Issuer != name {
		return "", unfit("its discovery document is of another issuer.").Because(fmt.Errorf("it is of %.200q", m.Issuer))
	}
	return m.Keys, nil
}

// load gets one document. Only https is spoken, no redirect is followed, and no more is read than
// maxDocument, however slowly it comes, as long as ctx lasts.
func (t *Issuers) load(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxURL || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, unfit("its discovery document and its keys must be at https URLs.").Because(err)
	}
	if t.Serves != nil && t.Serves(cloud.HostName(u.Host)) {
		return nil, unfit("%s is a name of this world, which has no such issuer.", fault.Clip(u.Hostname()))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unfit("its discovery document and its keys must be at https URLs.").Because(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Lanyard")
	answer, err := client.Do(r)
	if err != nil {
		return nil, unreached(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, unfit("it did not answer with a document; redirects are not followed.").Because(errors.New(answer.Status))
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	// A host that is told that nobody waits any more may end its answer in good order.
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, unreached(err)
	}
	if len(document) > maxDocument {
		return nil, unfit("its answer is larger than %d bytes.", maxDocument)
	}
	return document, nil
}

// unfit is the fault of an issuer whose answers are of no use.
func unfit(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "UnfitIssuer", format, args...)
}

// unreached is the fault of an issuer that does not answer. Where the way there was refused, that
// refusal and what to type are said; nothing else of what went wrong is a stranger's business.
func unreached(err error) error {
	var refused *fault.Error
	if errors.As(err, &refused) && refused.Kind == fault.Forbidden {
		return fault.New(fault.Invalid, "UnfitIssuer", "%s", refused.Public).Try("%s", refused.Hint).Because(err)
	}
	return fault.New(fault.Invalid, "UnfitIssuer", "it could not be reached.").Because(err)
}
