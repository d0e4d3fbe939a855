package engine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// watched is a folder of policies that a Watcher watches.
type watched struct {
	dir string
	*Watcher

	mu       sync.Mutex
	log      []string
	reloaded []error
}

func watch(t *testing.T, dir string) *watched {
	t.Helper()
	w := &watched{dir: dir}
	cfg := configuration(t, "")
	w.Watcher = &Watcher{
		Dir:     dir,
		Compile: func(folder fs.FS) (*Set, error) { return Compile(cfg, folder) },
		Log: funcr.New(func(_, args string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.log = append(w.log, args)
		}, funcr.Options{}),
		Reloaded: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reloaded = append(w.reloaded, err)
		},
	}
	set, err := w.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = New(set)
	return w
}

func (w *watched) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("watching ended:", err)
		}
	})
}

func (w *watched) says(t testing.TB) string {
	return summary(w.Engine.Current().Validate(within(t, time.Minute), podInput(nil, nil)))
}

func (w *watched) attempts() (ok, failed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.reloaded {
		if err == nil {
			ok++
		} else {
			failed++
		}
	}
	return ok, failed
}

// save writes a file as an editor does: next to it, then over it.
func save(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path+"~", []byte(text), 0o644))
	must(t, os.Rename(path+"~", path))
}

func TestEveryWayToChangeAFolderIsFoundSoon(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"renamed over": func(t *testing.T, dir string) { save(t, filepath.Join(dir, "a/a.rego"), says("a", "new")) },
		"written in place": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "a/a.rego"), []byte(says("a", "new")), 0o644))
		},
		"removed and made again": func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "a/a.rego")))
			save(t, filepath.Join(dir, "a/b.rego"), says("a", "new"))
		},
		"the policy's folder replaced": func(t *testing.T, dir string) {
			save(t, filepath.Join(dir, ".next/a.rego"), says("a", "new"))
			must(t, os.RemoveAll(filepath.Join(dir, "a")))
			must(t, os.Rename(filepath.Join(dir, ".next"), filepath.Join(dir, "a")))
		},
		"in a new folder, a while after it was made": func(t *testing.T, dir string) {
			must(t, os.MkdirAll(filepath.Join(dir, "b/c"), 0o755))
			time.Sleep(3 * settle)
			must(t, os.RemoveAll(filepath.Join(dir, "a")))
			time.Sleep(3 * settle)
			save(t, filepath.Join(dir, "b/c/a.rego"), says("a", "new"))
		},
		"a ConfigMap's new version": func(t *testing.T, dir string) {
			must(t, os.RemoveAll(filepath.Join(dir, "a")))
			mountConfigMap(t, dir, "one", map[string]string{"a.rego": says("a", "older")})
			time.Sleep(3 * settle)
			mountConfigMap(t, dir, "two", map[string]string{"a.rego": says("a", "new")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			save(t, filepath.Join(dir, "a/a.rego"), says("a", "old"))
			w := watch(t, dir)
			w.run(t)
			time.Sleep(3 * settle)
			change(t, dir)
			changed := time.Now()
			waitFor(t, "the new policy", func() bool { return w.says(t) == "a enforce: deny new" })
			if took := time.Since(changed); took > poll {
				t.Errorf("in force after %s: found by polling", took)
			}
			if err := w.Err(); err != nil {
				t.Error("error", err)
			}
		})
	}
}

func TestAnEditBetweenTheFirstSetAndTheWatchIsFound(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "a.rego"), says("a", "old"))
	w := watch(t, dir)
	save(t, filepath.Join(dir, "a.rego"), says("a", "new"))
	w.run(t)
	waitFor(t, "the new policy", func() bool { return w.says(t) == "a enforce: deny new" })
}

func TestAFolderBehindALinkIsWatched(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "real/a.rego"), says("a", "old"))
	must(t, os.Symlink("real", filepath.Join(dir, "link")))
	w := watch(t, filepath.Join(dir, "link"))
	w.run(t)
	time.Sleep(3 * settle)
	save(t, filepath.Join(dir, "real/a.rego"), says("a", "new"))
	changed := time.Now()
	waitFor(t, "the new policy", func() bool { return w.says(t) == "a enforce: deny new" })
	if took := time.Since(changed); took > poll {
		t.Errorf("in force after %s: found by polling", took)
	}
}

func TestWhatDoesNotCompileLeavesTheLastGoodSetInForceAndIsReported(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.rego")
	save(t, file, says("a", "good"))
	w := watch(t, dir)
	w.run(t)
	digest := w.Engine.Set().Digest()
	for i, broken := range []string{"package usher.a\n\ndeny contains", "", says("b", "x")[:40], "package other\n"} {
		save(t, file, broken)
		waitFor(t, "the attempt to be reported", func() bool { _, failed := w.attempts(); return failed == i+1 })
		if w.Err() == nil || w.says(t) != "a enforce: deny good" || w.Engine.Set().Digest() != digest {
			t.Errorf("after %q: error %v, %s", broken, w.Err(), w.says(t))
		}
	}
	must(t, os.RemoveAll(dir))
	waitFor(t, "the folder to be missed", func() bool { _, failed := w.attempts(); return failed == 5 })
	if w.says(t) != "a enforce: deny good" {
		t.Error("without the folder:", w.says(t))
	}
	// The same content as in the beginning, now readable again.
	save(t, file, says("a", "good"))
	waitFor(t, "the good policy again", func() bool { ok, _ := w.attempts(); return ok == 1 })
	if err := w.Err(); err != nil {
		t.Error("the error stays:", err)
	}
	save(t, file, says("a", "better"))
	waitFor(t, "a better policy", func() bool { return w.says(t) == "a enforce: deny better" })
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := strings.Count(strings.Join(w.log, "\n"), "policies not reloaded: the last good set stays in force"); n != 5 {
		t.Errorf("%d errors logged, want 5:\n%s", n, strings.Join(w.log, "\n"))
	}
}

func TestASetIsNeverHalfLoaded(t *testing.T) {
	dir := t.TempDir()
	write := func(version int) {
		for _, name := range []string{"a", "b"} {
			must(t, os.WriteFile(filepath.Join(dir, name+".rego"), []byte(says(name, fmt.Sprint(version))), 0o644))
			time.Sleep(settle / 4)
		}
	}
	write(0)
	w := watch(t, dir)
	w.Log = logr.Discard()
	w.run(t)
	stop := make(chan struct{})
	var reviews sync.WaitGroup
	reviews.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			var a, b int
			if _, err := fmt.Sscanf(w.says(t), "a enforce: deny %d\nb enforce: deny %d", &a, &b); err != nil || a != b {
				t.Errorf("half a set: %q", w.says(t))
				return
			}
		}
	})
	for version := 1; version <= 10; version++ {
		write(version)
		time.Sleep(2 * settle)
	}
	waitFor(t, "the last version", func() bool { return w.says(t) == "a enforce: deny 10\nb enforce: deny 10" })
	close(stop)
	reviews.Wait()
}
