package policytest

import (
	"io/fs"
	"slices"
	"strings"
)

// onlyFS shows some of the folders at the root of a file system.
type onlyFS struct {
	fs.FS
	folders []string
}

func only(fsys fs.FS, folders ...string) fs.FS { return onlyFS{fsys, folders} }

// Open opens what is not hidden.
func (o onlyFS) Open(name string) (fs.File, error) {
	top, _, _ := strings.Cut(name, "/")
	if top != "." && !slices.Contains(o.folders, top) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return o.FS.Open(name)
}

// ReadDir lists what is not hidden.
func (o onlyFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	if name == "." {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !slices.Contains(o.folders, e.Name()) })
	}
	return entries, err
}
