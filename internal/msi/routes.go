package msi

import (
	"net/http"
	"path"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Routes adds the door's routes. Every method leads to the same handler, which refuses all but
// GET in the protocol's own words. A ServeMux answers an unclean path with a redirect before any
// route is looked at; Handler does not.
func (d *Door) Routes(mux *http.ServeMux) {
	token := hidden(d.door(d.speakAppService).Serve(d.answer(d.byHeader, d.token)))
	mux.Handle("/r/{replica}/msi/token", token)
	mux.Handle("/r/{replica}/msi/token/{$}", token)

	// IMDS, and Arc for replicas that take this host for one of its.
	for prefix, who := range map[string]identify{"/r/{way}": d.byWay, "": d.byProcess} {
		speak := d.door(d.speakIMDS)
		for at, serve := range map[string]serving{"oauth2/token": d.token, "info": d.info} {
			answer := hidden(speak.Serve(d.answer(who, serve)))
			mux.Handle(prefix+"/metadata/identity/"+at, answer)
			mux.Handle(prefix+"/metadata/identity/"+at+"/{$}", answer)
		}
		mux.Handle(prefix+"/metadata", hidden(speak.Serve(absent))) // or the mux would answer with a redirect
		mux.Handle(prefix+"/metadata/", hidden(speak.Serve(absent)))
	}
}

// unclean reports whether a path has segments that are empty or dots, or is none, as that of "a:b".
func unclean(p string) bool {
	if strings.Contains(p, "//") || !strings.HasPrefix(p, "/") {
		return true
	}
	return strings.Contains(p, "/.") && path.Clean(p) != strings.TrimSuffix(p, "/")
}

// hidden keeps ways out of logs, which have every request's path (T8).
func hidden(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, to := digits(r.URL.Path); from < to {
			url := *r.URL
			for ; from < to; from, to = digits(url.Path) {
				url.Path = url.Path[:from] + "..." + url.Path[to:]
			}
			r = r.WithContext(r.Context()) // another request with the same path values
			r.URL = &url
		}
		h.ServeHTTP(w, r)
	})
}

// digits finds as many hexadecimal digits in a row as a way has, or more.
func digits(path string) (from, to int) {
	for i, c := range []byte(path) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			if i-from >= 32 {
				return from, i
			}
			from = i + 1
		}
	}
	if len(path)-from >= 32 {
		return from, len(path)
	}
	return 0, 0
}

// absent answers for the rest of IMDS. Of the credentials that are bound to a key it says what clients
// take for "not offered" (wire-facts: "IMDSv2").
func absent(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.NotFound, codeAbsent, "Of instance metadata, only identity/oauth2/token and identity/info are offered.")
}

// Handler serves the routes and refuses, without a redirect, a path that is not spelled as it
// was given to the replica: double slashes, dot segments, percent-encoded characters (T1).
func (d *Door) Handler() http.Handler {
	mux := http.NewServeMux()
	d.Routes(mux)
	refuse := hidden(d.door(d.speakAppService).Serve(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Invalid, codeInvalid, "The path is not that of the token endpoint.").
			Try("use IDENTITY_ENDPOINT exactly as it stands in the environment")
	}))
	mux.Handle("/", refuse)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// RawPath is set where a path is encoded otherwise than it need be.
		if r.URL.RawPath != "" || unclean(r.URL.Path) {
			refuse.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// door has a small bound on bodies: a GET needs none.
func (d *Door) door(speak httpkit.Speak) httpkit.Door {
	return httpkit.Door{Name: "msi", Speak: speak, Log: d.Log, Now: d.Now, MaxBody: 4 << 10}
}
