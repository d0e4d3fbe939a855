package doctor

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	kubernetes "k8s.io/client-go/kubernetes/scheme"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/manifest"
)

// Scheme holds the kinds that checks read.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(kubernetes.AddToScheme(s))
	utilruntime.Must(apiextensionsv1.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

// ReadFiles takes a snapshot of the objects in files, folders and, for "-",
// standard input. Every error names its file, line and field. namespace is where
// usher is to be, "" for where the objects say.
func ReadFiles(paths []string, stdin io.Reader, namespace string, now time.Time) (*Snapshot, error) {
	files, wrong := manifest.Open(paths, stdin)
	s := &Snapshot{Now: now, unread: map[Kind]string{}}
	scheme, read := Scheme(), map[Kind]bool{}
	for _, file := range files {
		objects, problems := manifest.Read(file)
		for _, object := range objects {
			typed, invalid := typedOf(scheme, object)
			problems = append(problems, invalid...)
			if typed != nil {
				read[s.add(typed)] = true
			}
		}
		for _, p := range problems {
			wrong = append(wrong, p)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	for _, kind := range kinds {
		if !read[kind] {
			s.unread[kind] = "the files have no " + string(kind)
		}
	}
	if len(s.unread) == len(kinds) {
		return nil, fmt.Errorf("read manifests: nothing in %s is of a kind that usher doctor looks at", strings.Join(paths, ", "))
	}
	s.sort()
	s.Namespace = s.namespaceOr(namespace)
	return s, nil
}

// kinds are those of which there are objects.
var kinds = []Kind{
	kindMutating, kindValidating, kindPolicies, kindBindings, kindCRDs, kindNamespaces, kindNodes, kindPods, kindServices,
	kindSlices, kindConfigMaps, kindSecrets, kindDeployments, kindDaemonSets, kindStatefulSets, kindLeases, kindBudgets,
	kindClusterRoles, kindRoleBindings, kindFlowSchemas, kindTenants, kindLedgers, kindGPUNodes,
}

// typedOf reads an object strictly; nil for one of a kind that is not known.
func typedOf(scheme *runtime.Scheme, object *manifest.Object) (runtime.Object, []*manifest.Problem) {
	version, _ := object.Value["apiVersion"].(string)
	kind, _ := object.Value["kind"].(string)
	gvk := schema.FromAPIVersionAndKind(version, kind)
	if !scheme.Recognizes(gvk) {
		return nil, nil
	}
	served, problems := object.Served()
	if problems != nil {
		return nil, problems
	}
	typed, err := scheme.New(gvk)
	if err == nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(served, typed)
	}
	if err != nil {
		return nil, []*manifest.Problem{object.Problem(object.Position(""), err.Error())}
	}
	typed.GetObjectKind().SetGroupVersionKind(gvk)
	return typed, nil
}
