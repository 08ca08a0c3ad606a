package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// maxFile bounds what is read as a keyset; one with a hundred keys is far smaller.
const maxFile = 64 << 10

// OpenFile uses the master key in the file at path and makes it on first use. The key lies in it
// in the clear, as a Tink JSON keyset: the file itself is the boundary. So it refuses a file that
// is a link or not a regular file, and one whose mode is looser than 0600.
func OpenFile(path string) (*Box, error) {
	raw, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make master key file %s: %w", path, err)
		}
		raw, err = read(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key file %s: %w", path, err)
	}
	keys, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, fmt.Errorf("read master key file %s: it holds no Tink keyset: %w", path, err)
	}
	return boxOf(keys)
}

// read gives the content of a file that is safe to hold a key. The file that was looked at and the
// file that was opened are compared, so that a link put there in between is noticed.
func read(path string) ([]byte, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a regular file but %s", named.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(named, opened) {
		return nil, errors.New("it was replaced while it was being opened")
	}
	// On Windows the mode bits say nothing: who may read is decided by the access list, which the
	// file takes from the user's profile folder.
	if mode := opened.Mode().Perm(); runtime.GOOS != "windows" && mode&^0o600 != 0 {
		return nil, fmt.Errorf("its mode %04o is looser than 0600; run: chmod 600 %s", mode, path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return raw, err
}

// create puts a new key at path in one step: a crash leaves either no file or a whole one. It links
// the finished file into place instead of renaming it, since a rename would let the second of two
// first users replace the key with which the first has already sealed. Losing that race is no
// error.
func create(path string) error {
	keys, err := draw(nil)
	if err != nil {
		return err
	}
	var raw bytes.Buffer
	if err := insecurecleartextkeyset.Write(keys, keyset.NewJSONWriter(&raw)); err != nil {
		return err
	}
	made, err := writeBeside(path, raw.Bytes())
	if made != "" {
		defer os.Remove(made)
	}
	if err != nil {
		return err
	}
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeBeside writes a new durable file next to path and gives its name, as soon as there is one.
func writeBeside(path string, raw []byte) (string, error) {
	var unique [8]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return "", err
	}
	name := path + "." + hex.EncodeToString(unique[:])
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	return name, errors.Join(err, f.Close())
}

// syncDir makes a new name in a folder durable. Windows has no such call: NTFS journals names.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
