package holdings

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/manifest"
)

// Read reads the Tenants and QuotaLedgers in files, folders and, for "-",
// standard input, and returns the Tenants in the order in which they stand there,
// and the ledgers by name. Other kinds are passed over. Every error names its
// file, line and field; with an error nothing is returned.
func Read(paths []string, stdin io.Reader) ([]*v1alpha1.Tenant, map[string]*v1alpha1.QuotaLedger, error) {
	files, wrong := manifest.Open(paths, stdin)
	r := reading{defined: map[string]*manifest.Object{}, ledgers: map[string]*v1alpha1.QuotaLedger{}}
	for _, file := range files {
		objects, problems := manifest.Read(file)
		for _, object := range objects {
			problems = append(problems, r.take(object)...)
		}
		for _, p := range problems {
			wrong = append(wrong, p)
		}
	}
	switch {
	case len(wrong) > 0:
		return nil, nil, errors.Join(wrong...)
	case len(r.tenants) == 0:
		return nil, nil, fmt.Errorf("read Tenants: there is none in %s", strings.Join(paths, ", "))
	}
	return r.tenants, r.ledgers, nil
}

// reading is what has been read so far.
type reading struct {
	tenants []*v1alpha1.Tenant
	ledgers map[string]*v1alpha1.QuotaLedger
	defined map[string]*manifest.Object // by kind and name
}

// take takes in an object, and says what is wrong with it.
func (r *reading) take(object *manifest.Object) []*manifest.Problem {
	if object.Value["apiVersion"] != v1alpha1.GroupVersion.String() {
		return nil
	}
	switch object.Value["kind"] {
	case "Tenant":
		t := &v1alpha1.Tenant{}
		problems := r.decode(object, "Tenant", t, &t.Name)
		if problems == nil {
			r.tenants = append(r.tenants, t)
		}
		return problems
	case "QuotaLedger":
		l := &v1alpha1.QuotaLedger{}
		problems := r.decode(object, "QuotaLedger", l, &l.Name)
		if problems == nil {
			r.ledgers[l.Name] = l
		}
		return problems
	}
	return nil
}

// decode reads an object strictly. name is where its name will be.
func (r *reading) decode(object *manifest.Object, kind string, into any, name *string) []*manifest.Problem {
	served, problems := object.Served()
	if problems != nil {
		return problems
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(served, into); err != nil {
		return []*manifest.Problem{object.Problem(object.Position(""), err.Error())}
	}
	key, at := kind+" "+*name, object.Position("/metadata/name")
	if first := r.defined[key]; first != nil {
		return []*manifest.Problem{object.Problem(at, fmt.Sprintf("%s is defined twice, first in %s:%d",
			key, first.File(), first.Position("/metadata/name").Line))}
	}
	r.defined[key] = object
	return nil
}
