package compat

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestNothingIsRegisteredThatTheOtherVersionDoesNotJudge: a release applies its
// webhook configurations before its last replica has come, and a replica refuses
// kinds that it does not know. So a version knows a kind, in its binary or its
// configuration, for one release before the next registers it.
func TestNothingIsRegisteredThatTheOtherVersionDoesNotJudge(t *testing.T) {
	was := doors(t, recorded(t, "registration.yaml"))
	var objects []unstructured.Unstructured
	for _, name := range []string{"mutating", "validating"} {
		read, err := os.ReadFile(filepath.Join("..", "..", "manifests", "base", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, objectsIn(t, read)...)
	}
	is := doors(t, objects)
	for _, door := range slices.Sorted(maps.Keys(is)) {
		if !was[door] {
			t.Errorf("%s is registered, and the version before does not judge it", door)
		}
	}
	if len(is) < 20 {
		t.Errorf("only %d doors were compared", len(is))
	}
}

// doors are webhook, operation, group and resource of all rules.
func doors(t *testing.T, configurations []unstructured.Unstructured) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, object := range configurations {
		var read struct {
			Webhooks []struct {
				Name  string                                       `json:"name"`
				Rules []admissionregistrationv1.RuleWithOperations `json:"rules"`
			} `json:"webhooks"`
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &read); err != nil {
			t.Fatal(err)
		}
		for _, webhook := range read.Webhooks {
			for _, rule := range webhook.Rules {
				for _, operation := range rule.Operations {
					for _, group := range rule.APIGroups {
						for _, resource := range rule.Resources {
							out[strings.Join([]string{webhook.Name, string(operation), group, resource}, " ")] = true
						}
					}
				}
			}
		}
	}
	return out
}
