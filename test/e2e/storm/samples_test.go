package storm

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/repository"
)

// times is how often a sample is tried, so that it meets every replica: each of its
// two reviews goes to any of them.
const times = 6

// resources of the samples' kinds.
var resources = map[string]schema.GroupVersionResource{
	"Pod":        {Version: "v1", Resource: "pods"},
	"Deployment": {Group: "apps", Version: "v1", Resource: "deployments"},
}

// samples are requests for which each policy that judges pods has a word: those
// that `make run` shows.
type samples struct {
	names   []string
	objects []*unstructured.Unstructured
	client  dynamic.Interface
}

// answers are all that was said to each sample, and what it was made.
type answers map[string][]string

func newSamples(t *testing.T, c *cluster) *samples {
	t.Helper()
	tree := repository.Working()
	for _, name := range []string{"namespaces", "tenants"} {
		objects, err := tree.Decoded("testdata/demo/cluster/" + name + ".yaml")
		must(t, err)
		must(t, c.Apply(t.Context(), objects...))
	}
	s := &samples{}
	files, err := filepath.Glob(tree.Path("testdata/demo/requests/*.yaml"))
	must(t, err)
	for _, file := range files {
		objects, err := tree.Decoded("testdata/demo/requests/" + filepath.Base(file))
		must(t, err)
		for _, object := range objects {
			s.names = append(s.names, filepath.Base(file)+" "+object.GetName())
			s.objects = append(s.objects, object)
		}
	}
	config, err := c.As(user)
	must(t, err)
	config.WarningHandler = rest.NoWarnings{}
	s.client, err = dynamic.NewForConfig(config)
	must(t, err)
	return s
}

// ask tries each sample several times, without making it, and returns every
// answer once, sorted.
func (s *samples) ask(t *testing.T) answers {
	t.Helper()
	out := answers{}
	for i, object := range s.objects {
		for range times {
			answer, err := s.try(t.Context(), object)
			if err != nil {
				t.Errorf("%s: %v", s.names[i], err)
			} else if !slices.Contains(out[s.names[i]], answer) {
				out[s.names[i]] = append(out[s.names[i]], answer)
			}
		}
		slices.Sort(out[s.names[i]])
	}
	return out
}

func (s *samples) try(ctx context.Context, object *unstructured.Unstructured) (string, error) {
	to := s.client.Resource(resources[object.GetKind()]).Namespace(object.GetNamespace())
	made, err := to.Create(ctx, object.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "denied the request"):
		return "denied: " + err.Error(), nil
	case err != nil && cause(err) == "failed calling webhook":
		// Its replica ended; the next answers.
		return s.try(ctx, object)
	case err != nil:
		return "", err
	}
	content, err := plain(made).MarshalJSON()
	return "admitted: " + random.ReplaceAllString(string(content), "$1"), err
}

// random is what the API server names at random in a pod.
var random = regexp.MustCompile(`(kube-api-access-)[a-z0-9]+`)

// plain is an object without what differs between two that are alike.
func plain(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	for _, field := range []string{"uid", "creationTimestamp", "managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	if labels := object.GetLabels(); labels[v1alpha1.ReservationLabel] != "" {
		labels[v1alpha1.ReservationLabel] = fmt.Sprint(len(labels[v1alpha1.ReservationLabel]), " characters")
		object.SetLabels(labels)
	}
	return object
}

// eachIsOneOf fails the test for each answer that none of the versions gave alone.
func (s *samples) eachIsOneOf(t *testing.T, mixed []answers, alone ...answers) {
	t.Helper()
	count := 0
	for _, name := range s.names {
		var right []string
		for _, version := range alone {
			right = append(right, version[name]...)
		}
		for _, m := range mixed {
			for _, answer := range m[name] {
				count++
				if !slices.Contains(right, answer) {
					t.Errorf("%s was answered\n%s\nwhich neither version does alone; they say\n%s", name, answer, strings.Join(right, "\n"))
				}
			}
		}
	}
	t.Logf("%d samples, %d answers of both versions side by side", len(s.names), count)
	if count < len(s.names)*len(mixed) {
		t.Error("not every sample was answered")
	}
}
