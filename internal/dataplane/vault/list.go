package vault

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// pageSize is the most that one page holds, and what it holds unless told (specs: maxresults).
const pageSize = 25

// page is the part of a list that a client asks for.
type page struct {
	after string // what it has seen: the end of a key
	size  int
}

// list gives the secrets in use, without values and versions.
func (d *Door) list(w http.ResponseWriter, _ *http.Request, c *call) error {
	return d.listHeads(w, c, func(head cloud.Secret) bool { return head.Deleted.IsZero() })
}

// listDeleted gives the secrets that can be recovered.
func (d *Door) listDeleted(w http.ResponseWriter, _ *http.Request, c *call) error {
	return d.listHeads(w, c, func(head cloud.Secret) bool { return !head.Deleted.IsZero() && !d.lapsed(head) })
}

func (d *Door) listHeads(w http.ResponseWriter, c *call, wanted func(cloud.Secret) bool) error {
	return d.writePage(w, c, cloud.SecretPrefix(c.vault.ID), func(e store.Entry) (*bundle, error) {
		head, err := decode[cloud.Secret](e)
		if err != nil || !wanted(head) {
			return nil, err
		}
		current, ok := d.View.Get(cloud.VersionKey(c.vault.ID, head.Name, head.Current))
		if !ok { // removed since the list was taken
			return nil, nil
		}
		version, err := decode[cloud.SecretVersion](current)
		if err != nil {
			return nil, err
		}
		b := d.show(c.vault, head, version)
		b.ID = d.base(c.vault) + "/secrets/" + head.Name
		return &b, nil
	})
}

// listVersions gives all versions of a secret, without values.
func (d *Door) listVersions(w http.ResponseWriter, _ *http.Request, c *call) error {
	head, err := d.head(c.vault, c.name)
	if err != nil {
		return err
	}
	return d.writePage(w, c, cloud.VersionPrefix(c.vault.ID, c.name), func(e store.Entry) (*bundle, error) {
		version, err := decode[cloud.SecretVersion](e)
		if err != nil {
			return nil, err
		}
		b := d.show(c.vault, head, version)
		return &b, nil
	})
}

// writePage answers with what lies under prefix, of which show leaves out what it gives as nil.
func (d *Door) writePage(w http.ResponseWriter, c *call, prefix string, show func(store.Entry) (*bundle, error)) error {
	p, err := readPage(c.query)
	if err != nil {
		return err
	}
	found, last := result{Value: []bundle{}}, ""
	for _, e := range d.View.List(prefix) {
		end := strings.TrimPrefix(e.Key, prefix)
		if end <= p.after {
			continue
		}
		b, err := show(e)
		if err != nil {
			return err
		}
		if b == nil {
			continue
		}
		if len(found.Value) == p.size {
			found.NextLink = c.next(page{after: last, size: p.size})
			break
		}
		found.Value, last = append(found.Value, *b), end
	}
	return httpkit.WriteJSON(w, http.StatusOK, found)
}

// next gives the address of the page that follows, at the host the client knows.
func (c *call) next(p page) string {
	return "https://" + c.host + c.path + "?api-version=" + url.QueryEscape(c.version) +
		"&$skiptoken=" + base64.RawURLEncoding.EncodeToString([]byte(p.after)) + "&maxresults=" + strconv.Itoa(p.size)
}

// readPage reads maxresults and the token of next, which is the end of the last key shown.
func readPage(query url.Values) (page, error) {
	p := page{size: pageSize}
	if query.Has("maxresults") {
		n, err := strconv.Atoi(query.Get("maxresults"))
		if err != nil || n < 1 || n > pageSize {
			return p, badParameter("maxresults must be a number from 1 to %d.", pageSize)
		}
		p.size = n
	}
	if query.Has("$skiptoken") {
		after, err := base64.RawURLEncoding.Strict().DecodeString(query.Get("$skiptoken"))
		if err != nil || !isName(string(after)) {
			return p, badParameter("The $skiptoken is not one of this service.")
		}
		p.after = string(after)
	}
	return p, nil
}
