package telemetry

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lanyard/internal/cloud"
)

// file is one app's console on disk: JSON lines, appended to, and one older file.
type file struct {
	path string
	most int64 // bytes
	open *os.File
	size int64
}

// suffix ends the name of an app's file, and olderSuffix after it that of the older one.
const suffix, olderSuffix = ".jsonl", ".1"

// maxRecord bounds one line of JSON that is read back; a longer one ends the reading with an error.
const maxRecord = 1 << 20

// pathFor names an app's file: its name and group for people, and a digest of the whole id, so
// that no two apps share one.
func pathFor(dir string, app cloud.ID) string {
	digest := sha256.Sum256([]byte(app.Key()))
	name := plain(app.Name()) + "-" + plain(app.Group()) + "-" + hex.EncodeToString(digest[:8])
	return filepath.Join(dir, name+suffix)
}

// plain keeps what is harmless in a file name, at most 40 characters of it.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	return s[:min(len(s), 40)]
}

// remove takes away the files that a path stands for.
func remove(path string) error {
	var all error
	for _, each := range []string{path, path + olderSuffix} {
		if err := os.Remove(each); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, fmt.Errorf("remove console file: %w", err))
		}
	}
	return all
}

// load makes the folder and gives the lines of both files, oldest first. A record that cannot be
// read is passed over: the platform may have been killed while it wrote one.
func (f *file) load(app cloud.ID, add func(Line)) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("make console folder: %w", err)
	}
	var all error
	for _, path := range []string{f.path + olderSuffix, f.path} {
		in, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			all = errors.Join(all, err)
			continue
		}
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxRecord)
		for scanner.Scan() {
			var line Line
			if json.Unmarshal(scanner.Bytes(), &line) == nil && line.App.Equal(app) {
				add(line)
			}
		}
		all = errors.Join(all, scanner.Err(), in.Close())
	}
	return all
}

// append writes one line, rotating first when the file is full.
func (f *file) append(line Line) error {
	record, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write console line: %w", err)
	}
	record = append(record, '\n')
	if err := f.ensure(); err != nil {
		return err
	}
	if f.size > 0 && f.size+int64(len(record)) > f.most {
		if err := f.rotate(); err != nil {
			return err
		}
	}
	n, err := f.open.Write(record)
	f.size += int64(n)
	if err != nil {
		return fmt.Errorf("write console line: %w", err)
	}
	return nil
}

// ensure opens the file. A record cut short by a crash is closed with a line's end, so that what
// follows it can be read.
func (f *file) ensure() error {
	if f.open != nil {
		return nil
	}
	open, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open console file: %w", err)
	}
	size, err := mend(open)
	if err != nil {
		return errors.Join(fmt.Errorf("open console file: %w", err), open.Close())
	}
	f.open, f.size = open, size
	return nil
}

func mend(open *os.File) (size int64, err error) {
	stat, err := open.Stat()
	if err != nil || stat.Size() == 0 {
		return 0, err
	}
	var last [1]byte
	if _, err := open.ReadAt(last[:], stat.Size()-1); err != nil {
		return 0, err
	}
	if last[0] == '\n' {
		return stat.Size(), nil
	}
	n, err := open.Write([]byte{'\n'})
	return stat.Size() + int64(n), err
}

func (f *file) rotate() error {
	if err := f.close(); err != nil {
		return fmt.Errorf("rotate console file: %w", err)
	}
	if err := os.Rename(f.path, f.path+olderSuffix); err != nil {
		return fmt.Errorf("rotate console file: %w", err)
	}
	return f.ensure()
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open, f.size = nil, 0
	return err
}
