package compat

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/tenancy"
)

// TestStoredObjectsAreReadWithoutLoss reads each object that the other version has
// stored, and writes it as this one would.
func TestStoredObjectsAreReadWithoutLoss(t *testing.T) {
	files := map[string]reflect.Type{
		"objects/tenants.yaml": reflect.TypeFor[v1alpha1.Tenant](),
		"objects/ledgers.yaml": reflect.TypeFor[v1alpha1.QuotaLedger](),
	}
	for _, file := range reports(t) {
		files["reports/"+filepath.Base(file)] = reflect.TypeFor[v1alpha1.GPUNode]()
	}
	for name, kind := range files {
		for _, object := range recorded(t, name) {
			t.Run(name+" "+object.GetName(), func(t *testing.T) {
				stored, err := object.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				read, again := reflect.New(kind).Interface(), reflect.New(kind).Interface()
				if err := yaml.UnmarshalStrict(stored, read); err != nil {
					t.Fatal("a field that the other version has written is not known:", err)
				}
				written, err := json.Marshal(read)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(written, again); err != nil || !equality.Semantic.DeepEqual(read, again) {
					t.Errorf("read and written, it is another: %v (-read +written):\n%s", err, cmp.Diff(read, again))
				}
				var values map[string]any
				if err := json.Unmarshal(written, &values); err != nil {
					t.Fatal(err)
				}
				for _, path := range missing("", object.Object, values) {
					t.Errorf("%s is lost", path)
				}
			})
		}
	}
}

// missing are the fields of a value, sorted, that another has not, be it in another
// form. Empty ones say nothing.
func missing(path string, was, is any) (out []string) {
	switch was := was.(type) {
	case map[string]any:
		fields, _ := is.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(was)) {
			out = append(out, missing(path+"/"+key, was[key], fields[key])...)
		}
	case []any:
		elements, _ := is.([]any)
		for i := range was {
			if i >= len(elements) {
				return append(out, fmt.Sprintf("%s/%d", path, i))
			}
			out = append(out, missing(fmt.Sprintf("%s/%d", path, i), was[i], elements[i])...)
		}
	default:
		if is == nil && was != nil && !reflect.ValueOf(was).IsZero() {
			out = append(out, path)
		}
	}
	return out
}

func TestWhatIsMissingIsFound(t *testing.T) {
	was := map[string]any{"a": "x", "b": []any{map[string]any{"c": int64(1)}, "d"}, "e": "", "f": nil, "g": map[string]any{}}
	is := map[string]any{"b": []any{map[string]any{"z": int64(1)}}}
	if diff := cmp.Diff([]string{"/a", "/b/0/c", "/b/1"}, missing("", was, is)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// reports are the files of what agents of the other version report.
func reports(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, "reports", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no reports", err)
	}
	return files
}

// TestTheOtherVersionsReportsBecomeGraphs gives the extender's reading of a node
// what agents of the other version report, which roll much later than it.
func TestTheOtherVersionsReportsBecomeGraphs(t *testing.T) {
	for _, file := range reports(t) {
		nodes, err := gpunode.Read([]string{file}, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := gpunode.Graph(&nodes[0]); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestBothVersionsWriteUnderTheSameNames: fields, finalizers and leases belong to
// whoever bears their name, so a version that took another one could neither take
// back what the other gave nor wait for it.
func TestBothVersionsWriteUnderTheSameNames(t *testing.T) {
	writers := map[string]bool{}
	for _, object := range recorded(t, "objects/managed.yaml") {
		labels := object.GetLabels()
		if labels[tenancy.ManagedByLabel] != tenancy.ManagedBy || labels[tenancy.TenantLabel] == "" {
			continue
		}
		for _, entry := range object.GetManagedFields() {
			if entry.Subresource == "" {
				writers[entry.Manager] = true
			}
		}
	}
	if want := map[string]bool{tenancy.FieldManager: true}; !cmp.Equal(writers, want) {
		t.Errorf("managed objects were written by %v, and are by %v", writers, want)
	}
	ours := 0
	for _, tenant := range recorded(t, "objects/tenants.yaml") {
		if slices.Contains(tenant.GetFinalizers(), tenancy.Finalizer) {
			ours++
		}
	}
	if ours == 0 {
		t.Errorf("no Tenant has the finalizer %s", tenancy.Finalizer)
	}
}
