package edge

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
)

// TestFoldedHeadersAreRefused is of T1 (RFC 9112 section 5.2), however the bytes arrive.
func TestFoldedHeadersAreRefused(t *testing.T) {
	p := open(t, newEdge(t))
	for name, c := range map[string]struct {
		pieces []string
		want   int
	}{
		"not folded":              {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n"}, 200},
		"folded":                  {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n b\r\n\r\n"}, 400},
		"folded by a tab":         {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n"}, 400},
		"cut at the fold":         {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n", " b\r\n\r\n"}, 400},
		"cut within the line end": {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r", "\n b\r\n\r\n"}, 400},
		"a byte at a time":        {pieces("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"), 400},
		"blanks within a line":    {[]string{"GET / HTTP/1.1\r\nHost: a\r\nX:  a \t b \r\n\r\n"}, 200},
		"OPTIONS of everything":   {[]string{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"}, 200}, // what stands behind the edge answers, not net/http
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", p.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, piece := range c.pieces {
				fmt.Fprint(conn, piece)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != c.want {
				t.Errorf("the answer is %d, want %d", answer.StatusCode, c.want)
			}
			if c.want == 200 && answer.ContentLength == 0 {
				t.Error("something else than the handler answered")
			}
		})
	}
}

func pieces(text string) []string {
	var all []string
	for _, c := range text {
		all = append(all, string(c))
	}
	return all
}

// FuzzInspect holds the search for folded lines, which sees a connection's bytes piece by piece,
// against one over the whole.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"), uint(3))
	f.Add([]byte("a\n\tb"), uint(2))
	f.Add([]byte("\n\n \n"), uint(1))
	f.Add([]byte(" a\nb \n"), uint(100))
	f.Fuzz(func(t *testing.T, text []byte, size uint) {
		want := bytes.Contains(text, []byte("\n ")) || bytes.Contains(text, []byte("\n\t"))
		c := &conn{plain: true}
		for piece := range slices.Chunk(text, int(size%64)+1) {
			c.inspect(piece)
		}
		if c.folded.Load() != want {
			t.Errorf("%q in pieces of %d: folded %t, want %t", text, size%64+1, c.folded.Load(), want)
		}
	})
}
