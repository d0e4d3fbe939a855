package webhook

import (
	"fmt"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

// gpuSpecs are pods' specs by whether they mention a GPU.
var gpuSpecs = map[string]bool{
	`{"containers":[{"resources":{"limits":{"nvidia.com/gpu":"1"}}}]}`:                                 true,
	`{"containers":[{},{"resources":{"requests":{"nvidia.com/gpu":"1"}}}]}`:                            true,
	`{"initContainers":[{"resources":{"limits":{"nvidia.com/mig-1g.10gb":"0"}}}]}`:                     true,
	`{"ephemeralContainers":[{"resources":{"limits":{"amd.com/gpu":"1"}}}]}`:                           true,
	`{"resources":{"limits":{"nvidia.com/gpu":"1"}}}`:                                                  true,
	`{"overhead":{"nvidia.com/gpu":"1"}}`:                                                              true,
	`{"overhead":{"cpu":"1"},"resources":{"requests":{"deviceclass.resource.kubernetes.io/gpu":"1"}}}`: true,
	`{}`:   false,
	`null`: false,
	`[]`:   false,
	`{"containers":[{"resources":{"limits":{"cpu":"1","hugepages-2Mi":"2Mi","example.com/dongle":"1"}}}]}`: false,
	`{"containers":{"nvidia.com/gpu":"1"},"overhead":"nvidia.com/gpu"}`:                                    false,
	`{"containers":[null,1,{"resources":[]},{"resources":{"limits":["nvidia.com/gpu"]}}]}`:                 false,
	`{"nodeSelector":{"nvidia.com/gpu":"1"}}`:                                                              false,
}

func TestAGPUIsFoundWhereverAPodMentionsIt(t *testing.T) {
	r, err := NewReviewer(func() verdict.Policies { return fakeYes{} }, fakeTenancy{}, noLedger{}, &v1alpha1.AdmissionConfiguration{})
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range gpuSpecs {
		req := podRequest(t, spec)
		for form, pod := range map[string]map[string]any{"parsed": req.pod(), "plain": {"spec": req.Object()["spec"]}} {
			if got, err := r.asksForGPUs(pod, nil); got != want || err != nil {
				t.Errorf("%s, %s: %v, %v", spec, form, got, err)
			}
		}
	}
}

func TestAPodWithoutGPUsCostsNoMemory(t *testing.T) {
	r, err := NewReviewer(func() verdict.Policies { return fakeYes{} }, fakeTenancy{}, noLedger{}, &v1alpha1.AdmissionConfiguration{})
	if err != nil {
		t.Fatal(err)
	}
	req := podRequest(t, `{"containers":[{"name":"web","resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1"}}},{"name":"proxy"}],"overhead":{"cpu":"1"}}`)
	in := verdict.Input{Pod: req.pod(), Tenant: map[string]any{"spec": map[string]any{"gpu": map[string]any{}}}}
	if n := testing.AllocsPerRun(100, func() {
		if ask, wrong, err := r.holding(req, in); ask != nil || wrong != nil || err != nil {
			t.Errorf("%v, %v, %v", ask, wrong, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func podRequest(t *testing.T, spec string) *Request {
	t.Helper()
	req, err := DecodeReview(fmt.Appendf(nil, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","namespace":"team","kind":{"version":"v1","kind":"Pod"},"object":{"metadata":{"name":"web","labels":{"app":"web"}},"spec":%s}}}`, spec))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(req.Release)
	return req
}
