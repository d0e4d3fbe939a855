package certs

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mount keeps a folder as a kubelet keeps the volume of a Secret: all files change
// at once, and stay when the Secret is gone.
func (u *usher) mount(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		version := ""
		for ctx.Err() == nil {
			found := &corev1.Secret{}
			if err := u.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, found); err == nil && found.ResourceVersion != version {
				version = found.ResourceVersion
				if err := lay(dir, version, found.Data); err != nil {
					t.Error(err)
				}
			}
			sleep(ctx, 200*time.Millisecond)
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return dir
}

// lay lays files out as the kubelet does: links into ..data, itself a link that is
// replaced.
func lay(dir, version string, files map[string][]byte) error {
	behind := "..v" + version
	if err := os.Mkdir(filepath.Join(dir, behind), 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, behind, name), content, 0o600); err != nil {
			return err
		}
	}
	before, _ := os.Readlink(filepath.Join(dir, "..data"))
	if err := os.Symlink(behind, filepath.Join(dir, "..data_tmp")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		return err
	}
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, before))
}
