package msi

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzDoor gives the door requests of any shape and holds it to one rule: a token is given to a
// direct GET of the replica's own path under the port's own name, with the header once and whole,
// and to nothing else. Whatever it refuses, it refuses with a 4xx that clients read, and signs nothing.
func FuzzDoor(f *testing.F) {
	const version, ask = " HTTP/1.1\r\nHost: {host}\r\n", "X-IDENTITY-HEADER: {header}\r\n"
	for _, seed := range []string{
		"GET {path}" + query2019 + version + ask,
		"GET {path}/" + query2019 + version + ask + "Accept: */*\r\n",
		"GET {path}" + query2019 + version,
		"GET {path}" + query2019 + version + ask + ask,
		"GET {path}" + query2019 + version + ask + "Via: x\r\n",
		"POST {path}" + query2019 + version + ask + "Content-Length: 0\r\n",
		"GET /{path}" + query2019 + version + ask,
		"GET http://{host}{path}" + query2019 + version + ask,
		"GET {path//}" + query2019 + version + ask,
		"GET {path%}" + query2019 + version + ask,
		"GET {path}" + query2019 + "&client_id=x" + version + ask,
		"GET {path}" + query2019 + " HTTP/1.0\r\nHost: {host}\r\n" + ask,
		"GET {path}" + query2019 + " HTTP/1.1\r\nHost: attacker.test\r\n" + ask,
		"OPTIONS *" + version,
	} {
		f.Add(seed)
	}
	w := newWorld(f, worn(system)...)
	handler, header, own := w.door.Handler(), w.replica.Header.Open(), "/r/"+w.replica.Name+"/msi/token"
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(w.fill(text) + "\r\n\r\n")))
		if err != nil {
			return // net/http answers 400 itself
		}
		before, rec := w.minted(), httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			if rec.Code < 400 || rec.Code > 499 || w.minted() != before || strings.Contains(rec.Body.String(), header) {
				t.Errorf("%q is answered %d %s after %d mints", text, rec.Code, rec.Body, w.minted()-before)
			}
			return
		}
		port := w.door.Address[strings.LastIndexByte(w.door.Address, ':'):]
		name, ours := strings.CutSuffix(r.Host, port)
		switch {
		case r.Method != "GET", r.ProtoMajor != 1 || r.ProtoMinor != 1, !ours || name != "127.0.0.1" && name != "localhost" && name != "[::1]":
		case len(r.Header["X-Identity-Header"]) != 1 || r.Header["X-Identity-Header"][0] != header:
		case !strings.HasPrefix(r.RequestURI, own+"?") && !strings.HasPrefix(r.RequestURI, own+"/?"):
		case r.Header.Get("Via")+r.Header.Get("Forwarded")+r.Header.Get("X-Forwarded-For")+r.Header.Get("Origin") != "":
		default:
			return
		}
		t.Errorf("%q is given a token", text)
	})
}
