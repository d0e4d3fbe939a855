package quota

import (
	"encoding/json"
	"os"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

func TestTheCRDBoundsWhatALedgerHolds(t *testing.T) {
	content, err := os.ReadFile("../manifests/crd/usher.dev_quotaledgers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(content, &crd); err != nil {
		t.Fatal(err)
	}
	status := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"]
	for list, want := range map[string]int64{"holders": maxHolders, "reservations": maxReservations} {
		if got := status.Properties[list].MaxItems; got == nil || *got != want {
			t.Errorf("%s: the CRD takes %v, the code %d", list, got, want)
		}
	}
	if rule := status.XValidations; len(rule) != 1 || rule[0].Message != changedMessage+": read it again" {
		t.Errorf("the CRD's rules are %v", rule)
	}
}

func TestAnEntryTakesNoMoreBytesThanItIsCountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		e.UID = types.UID(rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`).Draw(t, "uid"))
		e.FreeBy = someTime()
		e.Further = rapid.SliceOf(rapid.StringMatching(`[a-z][a-z-]{0,9}=[^ ]{1,9}`)).Draw(t, "further")
		content, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		// And a comma.
		if counted := bytesOf(&e); len(content)+1 > counted {
			t.Fatalf("%d bytes, counted as %d: %s", len(content)+1, counted, content)
		}
	})
}
