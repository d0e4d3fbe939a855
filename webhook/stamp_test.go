package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestWhatAsksForNoGPUsMeetsNoLedger(t *testing.T) {
	ledger := ledgerOf(0)
	s := withLedger(t, ledger, "")
	pod := func(namespace string, limits fields) fields {
		return fields{
			"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "web", "namespace": namespace},
			"spec": containers(fields{"name": "web", "resources": fields{"limits": limits}}),
		}
	}
	for name, tt := range map[string]struct {
		object  fields
		request fields
		stamped bool
	}{
		"no resources":                           {pod("team", nil), nil, false},
		"CPU":                                    {pod("team", fields{"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}), nil, false},
		"another extended resource":              {pod("team", fields{"example.com/dongle": "1"}), nil, false},
		"none of a GPU":                          {pod("team", fields{"nvidia.com/gpu": "0"}), nil, true},
		"a GPU where there is no tenant":         {pod("nobodys", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "nobodys"}, false},
		"a GPU of a tenant that is granted none": {pod("poor", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "poor"}, true},
		"a GPU in an exempt namespace":           {pod("kube-system", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "kube-system"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			sent := s.mutated(t, tt.object, tt.request)
			if (labelOf(sent) != "") != tt.stamped {
				t.Errorf("the label is %q", labelOf(sent))
			}
			if response := s.validated(t, sent, tt.request); !response.Allowed || response.AuditAnnotations["reservation"] != "" {
				t.Errorf("%s, %v", messageOf(response), response.AuditAnnotations)
			}
		})
	}
	if asked := ledger.takeAsked(); len(asked) > 0 {
		t.Errorf("the ledger was asked %+v", asked)
	}
}

func TestALabelOfOnesOwnIsWrittenOver(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "")
	forged := fields{"app": "train", v1alpha1.ReservationLabel: "forged"}
	pod := gpuPod("train", "1")
	pod["metadata"].(fields)["labels"] = forged
	if got := labelOf(s.mutated(t, pod, nil)); got == "forged" || got == "" {
		t.Errorf("the label of a pod with GPUs is %q", got)
	}
	pod["spec"] = containers(container("web"))
	sent := s.mutated(t, pod, nil)
	if diff := cmp.Diff(fields{"app": "train"}, sent["metadata"].(fields)["labels"]); diff != "" {
		t.Error("labels of a pod without GPUs (-want +got):\n" + diff)
	}
	// What /mutate did not see.
	for name, tt := range map[string]struct {
		object fields
		want   string
	}{
		"a forged label without GPUs": {pod, "[usher/reservation]"},
		"GPUs without a label":        {gpuPod("train", "1"), "which usher's mutating webhook writes"},
	} {
		response := s.validated(t, tt.object, nil)
		if message := messageOf(response); !strings.Contains(message, tt.want) || response.Result == nil || response.Result.Code != http.StatusForbidden {
			t.Errorf("%s: %s", name, message)
		}
	}
	ledger.expectReserved(t)
}

// TestThePoliciesPatchComesFirst has a policy replace the labels, or all of the
// metadata: the stamp goes over what is there then.
func TestThePoliciesPatchComesFirst(t *testing.T) {
	for name, op := range map[string]string{
		"labels written":     `{"op": "add", "path": "/metadata/labels", "value": {"a/b~c": "d", "usher.dev/reservation": "policy"}}`,
		"labels taken away":  `{"op": "remove", "path": "/metadata/labels"}`,
		"metadata written":   `{"op": "add", "path": "/metadata", "value": {"name": "train"}}`,
		"a GPU put in":       `{"op": "add", "path": "/spec/containers/0/resources/limits/nvidia.com~1mig-1g.10gb", "value": "1"}`,
		"all GPUs taken out": `{"op": "remove", "path": "/spec/containers/0/resources"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := withLedger(t, ledgerOf(gpus(4)), "", "patches", policy("patches", "patch contains "+op))
			pod := gpuPod("train", "1")
			pod["metadata"].(fields)["labels"] = fields{"app": "train", v1alpha1.ReservationLabel: "mine"}
			got := labelOf(s.mutated(t, pod, nil))
			if (got != "") == strings.HasSuffix(name, "taken out") || got == "mine" || got == "policy" {
				t.Errorf("the label is %q", got)
			}
		})
	}
}
