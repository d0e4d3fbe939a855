package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	kubernetes "k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"

	"usher.dev/usher/api/v1alpha1"
)

// scheme holds the kinds whose fields are known: Kubernetes' own and usher's.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(kubernetes.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}()

var strictDecoder = kserializer.NewSerializerWithOptions(kserializer.DefaultMetaFactory,
	scheme, scheme, kserializer.SerializerOptions{Strict: true})

// Recognizes reports whether a kind's fields are known.
func Recognizes(group, version, kind string) bool {
	return scheme.Recognizes(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
}

// Served gives the object as an API server would hand it on. A kind of
// Kubernetes' own, or of usher's, is decoded strictly and encoded again, so that
// cpu: 1 becomes "1" and an unknown field is an error; of any other kind nothing
// is known and it stays as it is. Nothing is defaulted.
func (o *Object) Served() (map[string]any, []*Problem) {
	version, _ := o.Value["apiVersion"].(string)
	kind, _ := o.Value["kind"].(string)
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return nil, []*Problem{o.Problem(o.Position("/apiVersion"), err.Error())}
	}
	if !scheme.Recognizes(gv.WithKind(kind)) {
		if scheme.IsGroupRegistered(gv.Group) {
			return nil, []*Problem{o.Problem(o.Position("/kind"), fmt.Sprintf("there is no kind %s in %s", kind, version))}
		}
		return o.Value, nil
	}
	typed, err := decodeTyped(o.Value)
	if err != nil {
		return nil, o.decodeProblems(err)
	}
	served := map[string]any{}
	encoded, err := json.Marshal(typed)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(encoded, &served)
	}
	if err != nil {
		return nil, []*Problem{o.Problem(o.Position(""), err.Error())}
	}
	return served, nil
}

func decodeTyped(value map[string]any) (runtime.Object, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	typed, _, err := strictDecoder.Decode(encoded, nil, nil)
	return typed, err
}

// decodeProblems finds the places of what the strict decoder refused.
func (o *Object) decodeProblems(err error) []*Problem {
	strict, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		return []*Problem{o.diagnose(err)}
	}
	var problems []*Problem
	for _, err := range strict.Errors() {
		problems = append(problems, o.strictProblem(err))
	}
	return problems
}

var quotedField = regexp.MustCompile(`(unknown|duplicate) field "(.*)"$`)

// strictProblem places an error such as: unknown field "spec.contaniers".
func (o *Object) strictProblem(err error) *Problem {
	match := quotedField.FindStringSubmatch(err.Error())
	if match == nil {
		return o.Problem(o.Position(""), err.Error())
	}
	message := fmt.Sprintf("unknown field %q", match[2])
	if match[1] == "duplicate" {
		message = fmt.Sprintf("field %q is set twice", match[2])
	}
	return o.Problem(o.FieldPosition(match[2]), message)
}
