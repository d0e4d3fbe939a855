package extender

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"

	"usher.dev/usher/topology"
)

func TestDemandTextsSayWhatAPodAsksFor(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	pod := func(init, app []corev1.Container) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{InitContainers: init, Containers: app}}
	}
	list := func(c ...corev1.Container) []corev1.Container { return c }
	side := container("side", resourceGPU, 1)
	side.RestartPolicy = &always
	limitsAlone := container("a", resourceGPU, 2)
	limitsAlone.Resources.Requests = nil
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"no GPU", pod(nil, list(container("a", "cpu", 1))), "no GPU"},
		{"zero GPUs are none", pod(nil, list(container("a", resourceGPU, 0))), "no GPU"},
		{"one container", pod(nil, list(container("a", resourceGPU, 4))), "4 nvidia.com/gpu, best-effort"},
		{"limits stand for requests", pod(nil, list(limitsAlone)), "2 nvidia.com/gpu, best-effort"},
		{"containers add up", pod(nil, list(container("a", resourceGPU, 1), container("b", resourceGPU, 3))), "4 nvidia.com/gpu, best-effort"},
		{"an init container with more counts alone", pod(list(container("i", resourceGPU, 8)), list(container("a", resourceGPU, 3))), "8 nvidia.com/gpu, best-effort"},
		{"a sidecar adds to init containers after it", pod(list(side, container("i", resourceGPU, 4)), list(container("a", resourceGPU, 2))), "5 nvidia.com/gpu, best-effort"},
		{"a sidecar adds to containers", pod(list(container("i", resourceGPU, 2), side), list(container("a", resourceGPU, 2))), "3 nvidia.com/gpu, best-effort"},
		{"several resources", pod(nil, list(container("a", resourceShared, 1), container("b", prefixMIG+"1g.5gb", 2))), "1 nvidia.com/gpu.shared, 2 nvidia.com/mig-1g.5gb, best-effort"},
		{"other vendors' are none", pod(nil, list(container("a", "amd.com/gpu", 1))), "no GPU"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, _, err := demandOf(tt.pod)
			must(t, err)
			if got := d.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTotalIsKubernetesEffectiveRequest compares with what kube-scheduler counts.
func TestTotalIsKubernetesEffectiveRequest(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	resources := []string{resourceGPU, resourceShared, prefixMIG + "1g.5gb"}
	rapid.Check(t, func(t *rapid.T) {
		some := func(label string) corev1.Container {
			return container(label, rapid.SampledFrom(resources).Draw(t, "resource"), rapid.IntRange(0, 8).Draw(t, "count"))
		}
		p := &corev1.Pod{}
		for i := range rapid.IntRange(0, 4).Draw(t, "init containers") {
			c := some(fmt.Sprint("i", i))
			if rapid.Bool().Draw(t, "sidecar") {
				c.RestartPolicy = &always
			}
			p.Spec.InitContainers = append(p.Spec.InitContainers, c)
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "containers") {
			p.Spec.Containers = append(p.Spec.Containers, some(fmt.Sprint("c", i)))
		}
		want := map[string]int{}
		for name, quantity := range resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{}) {
			if n := int(quantity.Value()); n > 0 {
				want[string(name)] = n
			}
		}
		d, names, err := demandOf(p)
		if err != nil || len(names) != len(d.containers) {
			t.Fatal(err, names)
		}
		if diff := cmp.Diff(want, d.total()); diff != "" {
			t.Errorf("total (-Kubernetes +usher):\n%s", diff)
		}
	})
}

func TestRequirementComesFromTheAnnotationElseFromTheVariable(t *testing.T) {
	withEnv := func(value string, gpus int) *corev1.Pod {
		p := podOf("p", gpus, "")
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "NCCL_TOPOLOGY", Value: value}}
		return p
	}
	annotated := withEnv("NVLINK", 2)
	annotated.Annotations = map[string]string{annotationTopology: "numa"}
	for _, tt := range []struct {
		name string
		pod  *corev1.Pod
		want topology.Requirement
		err  string
	}{
		{"nothing is said", podOf("p", 2, ""), topology.BestEffort, ""},
		{"by annotation", podOf("p", 2, "nvlink"), topology.NVLink, ""},
		{"by variable", withEnv("NVLINK", 2), topology.NVLink, ""},
		{"another value of the variable", withEnv("PCIE", 2), topology.BestEffort, ""},
		{"the annotation wins", annotated, topology.NUMA, ""},
		{"a word that is none", podOf("p", 2, "nvlnk"), 0, `annotation usher.dev/gpu-topology: "nvlnk" is no GPU topology; nvlink, numa and best-effort are`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, _, err := demandOf(tt.pod)
			switch {
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v", err)
			case tt.err == "" && (err != nil || d.requirement != tt.want):
				t.Errorf("got %v, %v", d.requirement, err)
			}
		})
	}
}

func TestJobsAreNamedByLabelElseByController(t *testing.T) {
	controller := true
	owned := []metav1.OwnerReference{{UID: "x", Kind: "ReplicaSet"}, {UID: "job-uid", Controller: &controller}}
	for _, tt := range []struct {
		name string
		meta metav1.ObjectMeta
		want string
	}{
		{"neither", metav1.ObjectMeta{Namespace: "a"}, ""},
		{"the first label that there is", metav1.ObjectMeta{Namespace: "a", Labels: map[string]string{"two": "t", "three": "r"}, OwnerReferences: owned}, "a/two=t"},
		{"the controller", metav1.ObjectMeta{Namespace: "a", OwnerReferences: owned}, "a/job-uid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := jobOf(&tt.meta, []string{"one", "two", "three"}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
