// Command send sends requests as they are, and prints what came back.
//
// Each line of its standard input is one.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// request is one line of input: an address and bytes, in which ${NAME} stands for a [value].
type request struct{ Address, Text string }

// answer is one line of output.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Error  string
}

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			panic(err)
		}
		a, err := send(r)
		if err != nil {
			a.Error = err.Error()
		}
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			panic(err)
		}
	}
}

func send(r request) (answer, error) {
	text := os.Expand(strings.NewReplacer("\n", "\r\n").Replace(r.Text), value)
	conn, err := net.DialTimeout("tcp", os.Expand(r.Address, value), 10*time.Second)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return answer{}, err
	}
	got, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return answer{Status: got.StatusCode, Header: got.Header, Body: string(body)}, err
}

// value gives what stands for a name: a variable; of a URL in one, host:port (NAME.host) or its path
// (NAME.path); or what is in a file (file:PATH).
func value(name string) string {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return string(text)
	}
	name, part, _ := strings.Cut(name, ".")
	v := os.Getenv(name)
	if part == "" {
		return v
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(v, "http://"), "/")
	if part == "host" {
		return host
	}
	return "/" + path
}
