package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// What `make image` has packed is what a Docker daemon would build: the Dockerfile's
// last stages copy the folders that `make rootfs` fills, and nothing else. CI packs
// them before it runs this.
func TestUshersImagesAreTheFoldersOfTheDockerfile(t *testing.T) {
	// bin is outside this module: Go's test cache does not see what changes there.
	t.Log("the tree is", os.Getenv("USHER_TREE"))
	root := filepath.Join("..", "..")
	images, err := readDockerfile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	commands, err := os.ReadDir(filepath.Join(root, "cmd"))
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != len(commands) {
		t.Errorf("%d images for %d commands", len(images), len(commands))
	}
	for _, wanted := range images {
		t.Run(wanted.name, func(t *testing.T) {
			archive := filepath.Join(root, "bin", "images", wanted.name+".tar")
			if _, err := os.Stat(archive); err != nil {
				t.Skipf("make image has not run: %v", err)
			}
			image, err := tarball.ImageFromPath(archive, nil)
			if err != nil {
				t.Fatal(err)
			}
			file, err := image.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wanted.config, file.Config); diff != "" {
				t.Errorf("configuration: the Dockerfile (-), the image (+): %s", diff)
			}
			if diff := cmp.Diff(folder(t, filepath.Join(root, "bin", "rootfs", wanted.name)), content(t, image)); diff != "" {
				t.Errorf("content: the folder (-), the image (+): %s", diff)
			}
		})
	}
}

// folder is what is in a folder, as an image holds it.
func folder(t *testing.T, root string) []entry {
	t.Helper()
	var all []entry
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			all = append(all, entry{Name: name, Mode: 0o755})
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, entry{name, int64(info.Mode().Perm()), digest(content)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
