package engine

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
	"golang.org/x/tools/txtar"
)

const (
	// settle is how long a folder must stay the same before it is compiled:
	// an editor or a copy writes files one after the other.
	settle = 100 * time.Millisecond
	// poll finds changes that no file system event tells of.
	poll = 5 * time.Second
)

// Watcher compiles the policies of a folder anew whenever they change. What
// does not compile changes nothing: the last good set stays in force.
type Watcher struct {
	Dir     string
	Compile func(fs.FS) (*Set, error)
	Engine  *Engine
	Log     logr.Logger
	// Reloaded is told of every attempt; err is nil when a new set is in force.
	Reloaded func(err error)

	known string // what was compiled last, as digestOf gives it

	mu  sync.Mutex
	err error
}

// Load compiles the folder as it stands. Call it for the first set, before Run,
// which takes up whatever changes from then on.
func (w *Watcher) Load() (*Set, error) {
	files, err := w.read()
	if err != nil {
		return nil, err
	}
	w.known = digestOf(files)
	return w.compile(files)
}

// Err says why the newest state of the folder is not in force, nil if it is.
func (w *Watcher) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Run watches until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", w.Dir, err)
	}
	defer func() { _ = events.Close() }()

	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		// First, so that nothing changes unseen after it is read.
		w.follow(events)
		files, err := w.settled(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if w.known = ""; w.Err() == nil || w.Err().Error() != err.Error() {
				w.report(err)
			}
		case digestOf(files) != w.known:
			w.known = digestOf(files)
			w.reload(files)
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-events.Errors:
			w.Log.Error(err, "watch policies", "dir", w.Dir)
		case <-events.Events:
		case <-ticker.C:
		}
	}
}

// settled waits until two readings of the folder, a while apart, are the same,
// so that no half-written state is ever compiled.
func (w *Watcher) settled(ctx context.Context) ([]file, error) {
	before, err := w.read()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(settle):
		}
		now, nowErr := w.read()
		if (err == nil) == (nowErr == nil) && digestOf(now) == digestOf(before) {
			return now, nowErr
		}
		before, err = now, nowErr
	}
}

func (w *Watcher) read() ([]file, error) { return readFiles(os.DirFS(w.Dir), false) }

func digestOf(files []file) string {
	sum := hashFiles(files)
	return string(sum[:])
}

// compile compiles what was read, not what stands in the folder by now.
func (w *Watcher) compile(files []file) (*Set, error) {
	archive := &txtar.Archive{}
	for _, f := range files {
		archive.Files = append(archive.Files, txtar.File{Name: f.name, Data: f.content})
	}
	source, err := txtar.FS(archive)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return w.Compile(source)
}

func (w *Watcher) reload(files []file) {
	set, err := w.compile(files)
	if err == nil {
		w.Engine.Use(set)
		w.Log.Info("policies reloaded", "dir", w.Dir, "policies", set.Digest())
	}
	w.report(err)
}

func (w *Watcher) report(err error) {
	w.mu.Lock()
	w.err = err
	w.mu.Unlock()
	if err != nil {
		w.Log.Error(err, "policies not reloaded: the last good set stays in force", "dir", w.Dir)
	}
	if w.Reloaded != nil {
		w.Reloaded(err)
	}
}

// follow watches the folder and every folder below it. A folder that cannot be
// watched is still found by polling.
func (w *Watcher) follow(events *fsnotify.Watcher) {
	root, err := filepath.EvalSymlinks(w.Dir)
	if err != nil {
		root = w.Dir
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			if err := events.Add(path); err != nil {
				w.Log.V(1).Info("cannot watch, will poll", "dir", path, "error", err.Error())
			}
		}
		return nil
	})
}
