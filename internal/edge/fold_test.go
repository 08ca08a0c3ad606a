package edge

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
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

// TestFoldsAreLookedForInHeadersAlone is of what a connection carries beside one header.
func TestFoldsAreLookedForInHeadersAlone(t *testing.T) {
	p := open(t, newEdge(t))
	const plain, fold = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"
	body := func(text string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	}
	for name, c := range map[string]struct {
		text string
		want []int // the connection's answers
	}{
		"a blank begins a line of the body":   {body("{\n  1\n}"), []int{200}},
		"a blank begins the body":             {body(" \n\n \n"), []int{200}},
		"in a chunk":                          {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\n \r\n0\r\n\r\n", []int{200}},
		"the next request is folded":          {plain + fold, []int{200, 400}},
		"the one after the next":              {plain + plain + fold + plain, []int{200, 200, 400}},
		"none is":                             {plain + plain + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{200, 200, 200}},
		"the next is folded behind a body":    {body("a") + fold, []int{200}},
		"behind a body that looks like heads": {body("a\n\n\n\n") + fold, []int{200}},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", p.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, c.text)
			var got []int
			for from := bufio.NewReader(conn); ; {
				answer, err := http.ReadResponse(from, nil)
				if err != nil {
					break
				}
				if _, err := io.Copy(io.Discard, answer.Body); err != nil {
					t.Error(err)
				}
				answer.Body.Close()
				got = append(got, answer.StatusCode)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("the answers are %v, want %v", got, c.want)
			}
		})
	}
}

// firstFolded is what inspect finds, by a look at whole lines.
func firstFolded(text []byte) int64 {
	header, within := int64(1), false // within a header, behind its request line
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		switch ended := i < len(lines)-1; {
		case !within:
			within = true
		case bytes.HasPrefix(line, []byte(" ")), bytes.HasPrefix(line, []byte("\t")):
			return header
		case ended && len(bytes.TrimSuffix(line, []byte("\r"))) == 0:
			header, within = header+1, false
		}
	}
	return 0
}

// FuzzInspect holds the search for folded lines, which sees a connection's bytes piece by piece,
// against one over the whole.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"), uint(3))
	f.Add([]byte("a\n\tb"), uint(2))
	f.Add([]byte("\n\n \n"), uint(1))
	f.Add([]byte(" a\nb \n"), uint(100))
	f.Add([]byte("a\r\n\r\nb\r\n\r\n c\r\nd\r\n\te"), uint(0))
	f.Fuzz(func(t *testing.T, text []byte, size uint) {
		want := firstFolded(text)
		c := &conn{plain: true}
		for piece := range slices.Chunk(text, int(size%64)+1) {
			c.inspect(piece)
		}
		if got := c.folded.Load(); got != want {
			t.Errorf("%q in pieces of %d: folded is %d, want %d", text, size%64+1, got, want)
		}
	})
}
