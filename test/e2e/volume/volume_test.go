package volume

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// visible are the files that a program finds which skips hidden folders.
func visible(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		root, err := filepath.EvalSymlinks(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			below, _ := filepath.Rel(root, path)
			found[filepath.Join(entry.Name(), below)] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestFilesAreThoseOfTheLastState(t *testing.T) {
	f, err := New(filepath.Join(t.TempDir(), "volume"))
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []map[string]string{
		{"tls.crt": "1", "tls.key": "1"},
		{"tls.crt": "2", "tls.key": "2", "a/b.rego": "x", "a/c.rego": "y"},
		{"tls.crt": "2", "a/c.rego": "z"},
		{},
	} {
		files := map[string][]byte{}
		for name, content := range state {
			files[name] = []byte(content)
		}
		if err := f.Replace(files); err != nil {
			t.Fatal(err)
		}
		if got := visible(t, f.Path()); !maps.Equal(got, state) {
			t.Errorf("there are %v, want %v", got, state)
		}
	}
	entries, err := os.ReadDir(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Collect(func(yield func(string) bool) {
		for _, e := range entries {
			if !yield(e.Name()) {
				return
			}
		}
	}); len(names) > 2 {
		t.Errorf("states that are over are still there: %v", names)
	}
}

// Who reads both files by the link that a kubelet swaps never finds a certificate
// beside another one's key.
func TestAStateIsNeverMixedWithAnother(t *testing.T) {
	f, err := New(filepath.Join(t.TempDir(), "volume"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) {
		if err := f.Replace(map[string][]byte{"tls.crt": []byte(text), "tls.key": []byte(text)}); err != nil {
			t.Error(err)
		}
	}
	put("0")
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			state, err := filepath.EvalSymlinks(filepath.Join(f.Path(), current))
			if err != nil {
				continue // it was swapped while the link was followed
			}
			certificate, err := os.ReadFile(filepath.Join(state, "tls.crt"))
			key, errKey := os.ReadFile(filepath.Join(state, "tls.key"))
			if err == nil && errKey == nil && string(certificate) != string(key) {
				t.Errorf("certificate %s beside key %s", certificate, key)
			}
		}
	})
	for range 200 {
		put("1")
		put("2")
	}
	close(stop)
	reader.Wait()
}
