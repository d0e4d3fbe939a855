package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// recorder records one version.
type recorder struct {
	tree    repository.Tree
	scratch string
	// folder is what is written.
	folder string
}

func (r *recorder) record(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.manifests, r.reports, r.entry, r.cluster} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// manifests keeps the kinds and what is registered.
func (r *recorder) manifests(ctx context.Context) error {
	objects, err := r.tree.Manifests(ctx, "base")
	if err != nil {
		return err
	}
	registration, rest := webhook.SplitRegistration(objects)
	var kinds []*unstructured.Unstructured
	for _, object := range rest {
		if object.GetKind() == "CustomResourceDefinition" {
			kinds = append(kinds, object)
		}
	}
	if err := r.writeObjects("crds.yaml", kinds); err != nil {
		return err
	}
	return r.writeObjects("registration.yaml", registration)
}

// reports keeps what the version's agents report of hardware that its tests mock,
// and the sample machines.
func (r *recorder) reports(context.Context) error {
	for _, from := range []string{"agent/testdata", "testdata/gpunodes"} {
		files, err := filepath.Glob(r.tree.Path(from + "/*.yaml"))
		if err != nil {
			return err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := r.write("reports/"+filepath.Base(file), content); err != nil {
				return err
			}
		}
	}
	return nil
}

// cluster keeps what the version stores in a cluster, and what it answers there.
func (r *recorder) cluster(ctx context.Context) error {
	folder := filepath.Join(r.scratch, "cluster")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	installed, err := installation.Start(ctx, installation.Options{Folder: folder, Webhooks: 1, Controllers: 1, Tree: r.tree})
	if err != nil {
		return err
	}
	defer installed.Release()
	c := &cluster{Installation: installed, recorder: r}
	if err := c.populate(ctx); err != nil {
		return err
	}
	if err := c.stored(ctx); err != nil {
		return err
	}
	return c.reviews(ctx)
}

func (r *recorder) writeObjects(name string, objects []*unstructured.Unstructured) error {
	documents := make([]string, len(objects))
	for i, object := range objects {
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return err
		}
		documents[i] = string(document)
	}
	return r.write(name, []byte(strings.Join(documents, "---\n")))
}

func (r *recorder) write(name string, content []byte) error {
	path := filepath.Join(r.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
