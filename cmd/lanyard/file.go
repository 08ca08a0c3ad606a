package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxText is how long a file may be that a command reads whole: a world, a body, a secret. A device
// that never ends is refused like a file that is too long.
const maxText = 4 << 20

// readText reads a file of the user's.
func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxText)
	}
	return text, err
}

// contents gives what a flag says: the text itself, or that of a file behind an @.
func contents(flag string) ([]byte, error) {
	if file, ok := strings.CutPrefix(flag, "@"); ok {
		return readText(file)
	}
	return []byte(flag), nil
}
