package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

const (
	maxSourceBytes = 16 << 20
	maxSourceDepth = 8
)

// file is one Rego file of a source.
type file struct {
	name    string
	content []byte
}

// readFiles reads every .rego file below the root of fsys, in order of names,
// tests only when asked for. It follows the symbolic links of a mounted ConfigMap
// and skips the hidden folders behind them.
func readFiles(fsys fs.FS, tests bool) ([]file, error) {
	var files []file
	total := int64(0)
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		if depth > maxSourceDepth {
			return fmt.Errorf("read policies: %s is more than %d folders deep", dir, maxSourceDepth)
		}
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return fmt.Errorf("read policies: %w", err)
		}
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			if strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			info, err := fs.Stat(fsys, name)
			if err != nil {
				return fmt.Errorf("read policies: %w", err)
			}
			switch {
			case info.IsDir():
				if err := walk(name, depth+1); err != nil {
					return err
				}
				continue
			case !strings.HasSuffix(name, ".rego"), !tests && strings.HasSuffix(name, "_test.rego"):
				continue
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("read policies: %s is not a regular file", name)
			}
			if total += info.Size(); total > maxSourceBytes {
				return fmt.Errorf("read policies: more than %d MiB of Rego", maxSourceBytes>>20)
			}
			content, err := fs.ReadFile(fsys, name)
			if err != nil {
				return fmt.Errorf("read policies: %w", err)
			}
			files = append(files, file{name, content})
		}
		return nil
	}
	if err := walk(".", 0); err != nil {
		return nil, err
	}
	return files, nil
}

// unit is what a later source replaces as a whole: a policy (usher.<name>) or a
// library package (usher.lib.<name>).
type unit struct {
	modules []*ast.Module
	files   []file
}

// load parses the sources, later over earlier, whole units at a time.
func load(sources []fs.FS) (map[string]*unit, error) {
	units := map[string]*unit{}
	for i, source := range sources {
		files, err := readFiles(source, false)
		if err != nil {
			return nil, err
		}
		layer := map[string]*unit{}
		var errs []error
		for _, f := range files {
			module, err := ast.ParseModuleWithOpts(f.name, string(f.content), ast.ParserOptions{
				ProcessAnnotation: true,
				Capabilities:      capabilities(),
			})
			if err != nil {
				errs = append(errs, err)
				continue
			}
			name, err := unitName(module)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", f.name, err))
				continue
			}
			if layer[name] == nil {
				layer[name] = &unit{}
			}
			u := layer[name]
			u.modules = append(u.modules, module)
			u.files = append(u.files, file{fmt.Sprintf("%d/%s", i, f.name), f.content})
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		maps.Copy(units, layer)
	}
	return units, nil
}

// unitName returns what a module belongs to: "<policy>" or "lib.<package>".
func unitName(m *ast.Module) (string, error) {
	var parts []string
	for _, t := range m.Package.Path[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			return "", errors.New("package path is not made of names")
		}
		parts = append(parts, string(s))
	}
	switch {
	case len(parts) == 3 && parts[0] == "usher" && parts[1] == "lib":
		return "lib." + parts[2], nil
	case len(parts) == 2 && parts[0] == "usher" && parts[1] != "lib":
		return parts[1], nil
	}
	return "", fmt.Errorf("package %s: a policy is package usher.<name>, a library usher.lib.<name>", strings.Join(parts, "."))
}

// hashFiles returns a digest of names and contents.
func hashFiles(files []file) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.name, b.name) }) {
		fmt.Fprintf(h, "%q %d\n", f.name, len(f.content))
		h.Write(f.content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
