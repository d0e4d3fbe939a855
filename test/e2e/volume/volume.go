// Package volume fills folders as a kubelet fills those of a pod's volumes: whole
// states at once, behind a symbolic link, some time after the object has changed.
package volume

import (
	"fmt"
	"os"
	"path/filepath"
)

// current is the symbolic link to the state in force, as a kubelet names it.
const current = "..data"

// Folder holds files that change all at once.
type Folder struct {
	path   string
	states int
}

// New makes a folder without files.
func New(path string) (*Folder, error) { return &Folder{path: path}, os.MkdirAll(path, 0o700) }

// Path is where the folder is.
func (f *Folder) Path() string { return f.path }

// Replace puts files, by their paths below the folder, in place of those that are
// there.
func (f *Folder) Replace(files map[string][]byte) error {
	f.states++
	state := fmt.Sprintf("..state-%d", f.states)
	before, _ := os.Readlink(filepath.Join(f.path, current))
	top := map[string]bool{}
	for name, content := range files {
		path := filepath.Join(f.path, state, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		top[first(name)] = true
	}
	link := filepath.Join(f.path, "..data_tmp")
	if err := os.Symlink(state, link); err != nil {
		return err
	}
	if err := os.Rename(link, filepath.Join(f.path, current)); err != nil {
		return err
	}
	if err := f.expose(top); err != nil {
		return err
	}
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(f.path, before))
}

// expose links what stands at the top of the state, and unlinks what does not any
// more.
func (f *Folder) expose(top map[string]bool) error {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case top[name]:
			delete(top, name)
		case len(name) > 2 && name[:2] == "..":
		default:
			if err := os.Remove(filepath.Join(f.path, name)); err != nil {
				return err
			}
		}
	}
	for name := range top {
		if err := os.Symlink(filepath.Join(current, name), filepath.Join(f.path, name)); err != nil {
			return err
		}
	}
	return nil
}

// first is the first element of a relative path.
func first(path string) string {
	for {
		parent := filepath.Dir(path)
		if parent == "." {
			return path
		}
		path = parent
	}
}
