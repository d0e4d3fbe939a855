package manifest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the name of what is read from standard input.
const Stdin = "<stdin>"

// Open reads the files that paths name: a file, "-" for standard input, or a
// folder, of which every .yaml, .yml and .json file is taken, subfolders
// included. What kustomize reads itself and what is hidden is left out of
// folders. A file that is named twice is read once.
func Open(paths []string, stdin io.Reader) ([]*File, []error) {
	var files []*File
	var wrong []error
	seen := map[string]bool{}
	add := func(name string, read func() ([]byte, error)) {
		if seen[name] {
			return
		}
		seen[name] = true
		raw, err := read()
		if err != nil {
			wrong = append(wrong, fmt.Errorf("read manifests: %w", err))
			return
		}
		file, err := NewFile(name, raw)
		if err != nil {
			wrong = append(wrong, err)
			return
		}
		files = append(files, file)
	}
	for _, path := range paths {
		if path == "-" {
			add(Stdin, func() ([]byte, error) { return io.ReadAll(stdin) })
			continue
		}
		names, err := manifestsUnder(path)
		if err != nil {
			wrong = append(wrong, err)
		}
		for _, name := range names {
			add(name, func() ([]byte, error) { return os.ReadFile(name) })
		}
	}
	return files, wrong
}

// manifestsUnder is the path itself if it names a file.
func manifestsUnder(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	path = filepath.Clean(path)
	if !info.IsDir() {
		return []string{path}, nil
	}
	var names []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != path && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir() && isManifest(entry.Name()):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return names, fmt.Errorf("read manifests: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read manifests: %s holds no .yaml, .yml or .json file", path)
	}
	return names, nil
}

func isManifest(name string) bool {
	if slices.Contains([]string{"kustomization.yaml", "kustomization.yml"}, name) {
		return false
	}
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}
