//go:build !windows

package edge

// storedRoots gives nothing: outside Windows, roots lie in files.
func storedRoots() ([][]byte, error) { return nil, nil }
