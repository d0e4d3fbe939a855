// Package scaffold makes the folder of a new policy: one that works, with tests
// that pass, to be changed into the policy that is wanted.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed template
var templates embed.FS

// policyName is what the engine takes for a policy's name.
var policyName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// New makes the folder dir/name and returns the files that it wrote. It writes
// nothing where there is something.
func New(dir, name string) ([]string, error) {
	if !policyName.MatchString(name) || len(name) > 63 || name == "lib" {
		return nil, fmt.Errorf("%q cannot be a policy's name: it is lower case words joined by _, such as no_latest_tag, at most 63 characters, and not lib", name)
	}
	folder := filepath.Join(dir, name)
	if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s is there already; choose another name, or change that policy", folder)
	}
	data := struct{ Name, Title string }{name, title(name)}
	var written []string
	err := fs.WalkDir(templates, "template", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		source, err := fs.ReadFile(templates, file)
		if err != nil {
			return err
		}
		parsed, err := template.New(file).Parse(string(source))
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := parsed.Execute(&text, data); err != nil {
			return err
		}
		target := filepath.Join(folder, filepath.FromSlash(targetName(file, name)))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		written = append(written, target)
		return os.WriteFile(target, text.Bytes(), 0o644)
	})
	return written, err
}

// targetName turns template/policy_test.rego.tmpl into <name>_test.rego.
func targetName(file, name string) string {
	file = strings.TrimSuffix(strings.TrimPrefix(file, "template/"), ".tmpl")
	if base, found := strings.CutPrefix(path.Base(file), "policy"); found {
		return path.Join(path.Dir(file), name+base)
	}
	return file
}

// title makes a title of a name: no_latest_tag is No latest tag.
func title(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}
