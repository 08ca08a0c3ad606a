package process

import (
	"bytes"
	"strings"
)

// maxLine is where a longer line is broken, as container runtimes do.
const maxLine = 16 << 10

// lines cuts what is written to it into lines.
type lines struct {
	stream string
	out    func(stream, text string)
	rest   []byte
}

func (l *lines) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		line, after, whole := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - len(l.rest); len(line) > room {
			line, after, whole = b[:room], b[room:], true
		}
		l.rest = append(l.rest, line...)
		if whole {
			l.flush()
		}
		b = after
	}
	return n, nil
}

// flush gives what is there as a line.
func (l *lines) flush() {
	if l.out != nil {
		l.out(l.stream, strings.TrimSuffix(string(l.rest), "\r"))
	}
	l.rest = l.rest[:0]
}

// end gives what is left without a line's end.
func (l *lines) end() {
	if len(l.rest) > 0 {
		l.flush()
	}
}
