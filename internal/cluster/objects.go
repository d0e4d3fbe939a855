// Package cluster answers what reviews need to know of the cluster: from files,
// or from the API server through informers.
package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

// Objects are Namespaces, Tenants and QuotaLedgers that stand in files. A
// namespace that is in none of them exists and has no labels.
type Objects struct {
	namespaces map[string]map[string]any
	tenants    map[string]map[string]any
	// limits are what tenants may hold; a tenant without is granted no GPU.
	limits  map[string]*v1alpha1.GPULimits
	ledgers map[string]*v1alpha1.QuotaLedger
}

// NewObjects returns no objects.
func NewObjects() *Objects {
	return &Objects{
		namespaces: map[string]map[string]any{}, tenants: map[string]map[string]any{},
		limits: map[string]*v1alpha1.GPULimits{}, ledgers: map[string]*v1alpha1.QuotaLedger{},
	}
}

// Holds reports whether Objects keep objects of a kind; they pass over others.
func Holds(object map[string]any) bool {
	switch object["apiVersion"] {
	case "v1":
		return object["kind"] == "Namespace"
	case v1alpha1.GroupVersion.String():
		return object["kind"] == "Tenant" || object["kind"] == "QuotaLedger"
	}
	return false
}

// Load reads every .yaml, .yml and .json file below a folder. Kinds that are not
// held are passed over.
func Load(dir string) (*Objects, error) {
	o := NewObjects()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := o.AddYAML(content); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	return o, nil
}

// AddYAML adds the objects of a YAML or JSON stream.
func (o *Objects) AddYAML(content []byte) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.addDocument(document); err != nil {
			return err
		}
	}
}

// addDocument adds an object, or those of a List as kubectl prints it.
func (o *Objects) addDocument(document []byte) error {
	var object map[string]any
	if err := yaml.Unmarshal(document, &object); err != nil {
		return err
	}
	items, isList := object["items"].([]any)
	if kind, _ := object["kind"].(string); !isList || !strings.HasSuffix(kind, "List") {
		return o.Add(object, document)
	}
	for i, item := range items {
		source, err := yaml.Marshal(item)
		if err != nil {
			return fmt.Errorf("items[%d]: %w", i, err)
		}
		if err := o.addDocument(source); err != nil {
			return fmt.Errorf("items[%d]: %w", i, err)
		}
	}
	return nil
}

// Add adds one object if it is of a kind that is held; strict is its source, which
// is checked for unknown fields.
func (o *Objects) Add(object map[string]any, strict []byte) error {
	if !Holds(object) {
		return nil
	}
	kind := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if name == "" {
		return fmt.Errorf("a %s has no metadata.name", kind)
	}
	add := map[string]func(name string, source []byte) error{"Namespace": o.addNamespace, "Tenant": o.addTenant, "QuotaLedger": o.addLedger}[kind]
	if err := add(name, strict); err != nil {
		return fmt.Errorf("%s %s: %w", kind, name, err)
	}
	return nil
}

func (o *Objects) addNamespace(name string, source []byte) error {
	var typed corev1.Namespace
	if err := decode(source, &typed); err != nil {
		return err
	}
	// The API server sets it on every namespace.
	if typed.Labels == nil {
		typed.Labels = map[string]string{}
	}
	typed.Labels[corev1.LabelMetadataName] = name
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&typed)
	if err == nil {
		o.namespaces[name] = plain
	}
	return err
}

func (o *Objects) addTenant(name string, source []byte) error {
	var typed v1alpha1.Tenant
	if err := decode(source, &typed); err != nil {
		return err
	}
	if pool := typed.Spec.NodePool; pool != nil {
		setPoolDefaults(pool)
	}
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&typed)
	if err == nil {
		o.tenants[name], o.limits[name] = plain, typed.Spec.GPU
	}
	return err
}

// decode reads YAML or JSON strictly: the error names each unknown field with its
// path.
func decode(source []byte, into any) error {
	asJSON, err := yaml.YAMLToJSONStrict(source)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(asJSON, into)
	if err != nil {
		return err
	}
	return errors.Join(strict...)
}

// setPoolDefaults does what the CRD's defaults do in a cluster.
func setPoolDefaults(pool *v1alpha1.NodePool) {
	if pool.Isolation == "" {
		pool.Isolation = v1alpha1.IsolationHard
	}
	if pool.Taint != nil && pool.Taint.Effect == "" {
		pool.Taint.Effect = corev1.TaintEffectNoSchedule
	}
}

// Namespace returns a namespace; one that stands in no file has no labels.
func (o *Objects) Namespace(_ context.Context, name string) (map[string]any, error) {
	if ns, ok := o.namespaces[name]; ok {
		return ns, nil
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "labels": map[string]any{corev1.LabelMetadataName: name}},
	}, nil
}

// Tenant returns a tenant, nil if it stands in no file, and its metadata alone
// where its status says that it is not accepted.
func (o *Objects) Tenant(_ context.Context, name string) (map[string]any, error) {
	return granting(o.tenants[name]), nil
}

// Tenants returns all tenants that stand in files, in order of their names.
func (o *Objects) Tenants(context.Context) ([]map[string]any, error) {
	return slices.SortedFunc(maps.Values(o.tenants), byName), nil
}
