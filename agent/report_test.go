package agent

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func TestConditionsSayWhetherPodsMayBePlaced(t *testing.T) {
	away := errors.New("connection refused")
	probes := Probes(&Machine{})
	noKubelet := condition("AllocationKnown", true, "NoKubelet", "there is no kubelet to ask: nobody is taken to hold more than what the source says")
	answered := condition("DriverResponsive", true, "Answered", "")
	for _, tt := range []struct {
		name  string
		facts Facts
		want  []metav1.Condition
	}{
		{"everything answers", Facts{Kubelet: KubeletFacts{Asked: true}}, []metav1.Condition{
			condition("Ready", true, "Complete", "the report is whole"), answered, condition("AllocationKnown", true, "KubeletAnswered", ""),
		}},
		{"the driver hangs", Facts{Driver: DriverFacts{Err: fmt.Errorf("%w: nvmlDeviceGetUUID has not returned", ErrHung)}}, []metav1.Condition{
			condition("Ready", false, "DriverHung", "the NVIDIA driver does not answer: nvmlDeviceGetUUID has not returned"),
			condition("DriverResponsive", false, "DriverHung", "the NVIDIA driver does not answer: nvmlDeviceGetUUID has not returned"), noKubelet,
		}},
		{"a GPU does not say who it is", Facts{Driver: DriverFacts{Unknown: map[int]error{3: ErrLost, 1: ErrLost}}}, []metav1.Condition{
			condition("Ready", true, "Complete", "the report is whole"),
			condition("DriverResponsive", true, "Answered", "left out, because they do not say who they are: GPU 1: the GPU is lost; GPU 3: the GPU is lost"), noKubelet,
		}},
		{"an essential probe fails", Facts{Errors: map[string]error{"mig": away, "health": away}}, []metav1.Condition{
			condition("Ready", false, "ProbeFailed", "health: connection refused"), answered, noKubelet,
		}},
		{"another probe fails", Facts{Errors: map[string]error{"utilization": away, "nics": away, "fabric": away}}, []metav1.Condition{
			condition("Ready", true, "Complete", "the report is whole"), answered, noKubelet,
		}},
		{"the kubelet is being restarted", Facts{Kubelet: KubeletFacts{Asked: true, Answered: noon.Add(-59 * time.Second), Err: away}}, []metav1.Condition{
			condition("Ready", true, "Complete", "the report is whole"), answered, condition("AllocationKnown", false, "KubeletSilent", "connection refused"),
		}},
		{"the kubelet is away", Facts{Kubelet: KubeletFacts{Asked: true, Answered: noon.Add(-time.Minute), Err: away}}, []metav1.Condition{
			condition("Ready", false, "AllocationUnknown", "connection refused"), answered, condition("AllocationKnown", false, "KubeletSilent", "connection refused"),
		}},
		{"the kubelet never answered", Facts{Kubelet: KubeletFacts{Asked: true, Err: away}}, []metav1.Condition{
			condition("Ready", false, "AllocationUnknown", "connection refused"), answered, condition("AllocationKnown", false, "KubeletSilent", "connection refused"),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.facts.Now = noon
			report(t, "conditions", cmp.Diff(tt.want, conditions(probes, &tt.facts)))
		})
	}
}

func condition(kind string, holds bool, reason, message string) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
	if holds {
		c.Status = metav1.ConditionTrue
	}
	return c
}

func TestEachErrorOfTheDriverHasAReason(t *testing.T) {
	for err, want := range map[error]string{
		ErrHung: "DriverHung", ErrNoLibrary: "LibraryNotFound", ErrNoDriver: "DriverNotLoaded",
		ErrReloaded: "DriverReloaded", ErrMismatch: "LibraryMismatch", errors.New("nvmlInit: ERROR_UNKNOWN"): "DriverError",
	} {
		if got := driverReason(fmt.Errorf("%w (nvmlInit)", err)); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

func TestSummaryCountsGPUsThatArePlacedOn(t *testing.T) {
	part := func(uuid string) *v1alpha1.MIG {
		return &v1alpha1.MIG{Enabled: true, Instances: []v1alpha1.MIGInstance{{UUID: uuid}}}
	}
	status := &v1alpha1.GPUNodeStatus{
		GPUs: []v1alpha1.GPU{
			{UUID: "GPU-a", Health: v1alpha1.Healthy},
			{UUID: "GPU-b", Health: v1alpha1.Degraded},
			{UUID: "GPU-c", Health: v1alpha1.Unhealthy},
			{UUID: "GPU-d", Health: v1alpha1.Healthy, MIG: part("MIG-1")},
			{UUID: "GPU-e", Health: v1alpha1.Healthy, MIG: part("MIG-2")},
			{UUID: "GPU-f", Health: v1alpha1.Healthy},
		},
		Allocations: []v1alpha1.Allocation{{Device: "GPU-a"}, {Device: "MIG-1"}, {Device: "GPU-f", Replica: "0"}},
		Links: []v1alpha1.GPULink{
			{B: 1, NVLinkLanes: 12, Path: "PIX"}, {B: 2, NVLinkLanes: 12}, {B: 3, Path: "SYS"}, {B: 4, Path: "SYS"}, {B: 5},
		},
	}
	report(t, "summary", cmp.Diff(&v1alpha1.GPUNodeSummary{GPUs: 6, Healthy: 5, Free: 2, Links: "NV12"}, summarize(status)))
	report(t, "of nothing", cmp.Diff(&v1alpha1.GPUNodeSummary{}, summarize(&v1alpha1.GPUNodeStatus{})))
}

func TestTimesStayWhileAStateLasts(t *testing.T) {
	driver := newFakeDriver(gpu("a"))
	device := driver.session.Devices[0].(*fakeDevice)
	a, clock := newAgent(&Machine{Driver: driver})
	device.wear.RowsPending = true
	first := a.Round(t.Context())
	clock.Step(time.Minute)
	device.wear.PagesPending = true
	driver.err = nil
	second := a.Round(t.Context())
	want := []v1alpha1.HealthReason{
		{Code: "PageRetirementPending", Message: "memory pages are retired at the next reset", Since: &metav1.Time{Time: noon.Add(time.Minute)}},
		{Code: "RowRemapPending", Message: "memory rows are remapped at the next reset", Since: &metav1.Time{Time: noon}},
	}
	report(t, "reasons", cmp.Diff(want, second.GPUs[0].HealthReasons))
	report(t, "conditions", cmp.Diff(first.Conditions, second.Conditions))

	clock.Step(time.Minute)
	driver.err = ErrHung
	for _, c := range a.Round(t.Context()).Conditions {
		since := noon
		if c.Type != "AllocationKnown" {
			since = noon.Add(2 * time.Minute)
		}
		if !c.LastTransitionTime.Time.Equal(since) {
			t.Errorf("%s since %s", c.Type, c.LastTransitionTime)
		}
	}
}
