package quota_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

func weights(t testing.TB, parameters map[string]any) *quota.Weights {
	t.Helper()
	w, err := quota.ParseWeights(parameters)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func asking(limits map[string]string) corev1.Container {
	list := corev1.ResourceList{}
	for name, amount := range limits {
		list[corev1.ResourceName(name)] = resource.MustParse(amount)
	}
	return corev1.Container{Resources: corev1.ResourceRequirements{Limits: list}}
}

func TestWhatAPodHolds(t *testing.T) {
	sidecar := func(c corev1.Container) corev1.Container {
		c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		return c
	}
	two := func(resource string) (int64, bool) { return 2, resource == "nvidia.com/gpu.shared" }
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		replicas   func(string) (int64, bool)
		spec       corev1.PodSpec
		want       quota.Amount
	}{
		{name: "nothing"},
		{name: "no GPU", spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"cpu": "1", "example.com/nic": "2"})}}},
		{name: "a GPU of none", spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu": "0"})}}},
		{
			name: "containers add up", want: quota.Amount{Units: 3 * quota.One, Resources: map[string]int64{"nvidia.com/gpu": 3}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu": "1"}), asking(map[string]string{"nvidia.com/gpu": "2"})}},
		},
		{
			name: "an init container counts while it is the most", want: quota.Amount{Units: 4 * quota.One, Resources: map[string]int64{"nvidia.com/gpu": 4}},
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{sidecar(asking(map[string]string{"nvidia.com/gpu": "1"})), asking(map[string]string{"nvidia.com/gpu": "3"})},
				Containers:     []corev1.Container{asking(map[string]string{"nvidia.com/gpu": "1"})},
			},
		},
		{
			name: "overhead", want: quota.Amount{Units: 2 * quota.One, Resources: map[string]int64{"nvidia.com/gpu": 2}},
			spec: corev1.PodSpec{
				Overhead:   corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1"), "cpu": resource.MustParse("1")},
				Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu": "1"})},
			},
		},
		{
			name: "the sum is rounded up once", want: quota.Amount{Units: 571_429, Resources: map[string]int64{"nvidia.com/mig-1g.5gb": 1, "nvidia.com/mig-3g.20gb": 1}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/mig-1g.5gb": "1", "nvidia.com/mig-3g.20gb": "1"})}},
		},
		{
			name: "shared, with as many shares as configured", parameters: map[string]any{"shared_replicas": json.Number("4")},
			want: quota.Amount{Units: 250_000, Resources: map[string]int64{"nvidia.com/gpu.shared": 1}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu.shared": "1"})}},
		},
		{
			name: "shared, with as many as the node has", parameters: map[string]any{"shared_replicas": json.Number("4")}, replicas: two,
			want: quota.Amount{Units: 500_000, Resources: map[string]int64{"nvidia.com/gpu.shared": 1}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu.shared": "1"})}},
		},
		{
			name: "of which nobody knows the worth", want: quota.Amount{Units: 3 * quota.One, Resources: map[string]int64{"nvidia.com/gpumem": 3}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpumem": "3"})}},
		},
		{
			name: "more than there can be", want: quota.Amount{Units: 1_000_000_000_000_000, Resources: map[string]int64{"nvidia.com/gpu": 1_000_000_000}},
			spec: corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu": "9E"}), asking(map[string]string{"nvidia.com/gpu": "1e30"})}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, weights(t, tt.parameters).Pod(&tt.spec, tt.replicas)); diff != "" {
				t.Errorf("amount (-want +got):\n%s", diff)
			}
		})
	}
}

func exactly(class string, count int64) resourcev1.DeviceRequest {
	return resourcev1.DeviceRequest{Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: class, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: count}}
}

func TestWhatAClaimHolds(t *testing.T) {
	half := map[string]any{"weights": map[string]any{"deviceclass.resource.kubernetes.io/half": "1/2"}, "gpu_device_classes": []any{"gpu", "half"}}
	admin := exactly("gpu", 1)
	admin.Exactly.AdminAccess = new(true)
	alternatives := resourcev1.DeviceRequest{FirstAvailable: []resourcev1.DeviceSubRequest{
		{DeviceClassName: "gpu", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 2},
		{DeviceClassName: "half", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 8},
	}}
	all := exactly("gpu", 0)
	all.Exactly.AllocationMode = resourcev1.DeviceAllocationModeAll
	for _, tt := range []struct {
		name     string
		requests []resourcev1.DeviceRequest
		want     quota.Amount
	}{
		{"nothing", nil, quota.Amount{}},
		{"devices that are no GPUs", []resourcev1.DeviceRequest{exactly("nic", 2)}, quota.Amount{}},
		{"a count of 0 is one", []resourcev1.DeviceRequest{exactly("gpu", 0)}, quota.Amount{Units: quota.One, Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu": 1}}},
		{"requests add up", []resourcev1.DeviceRequest{exactly("gpu", 1), exactly("half", 1)}, quota.Amount{Units: 1_500_000, Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu": 1, "deviceclass.resource.kubernetes.io/half": 1}}},
		{"the dearest alternative, and of each class the most", []resourcev1.DeviceRequest{alternatives}, quota.Amount{Units: 4 * quota.One, Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu": 2, "deviceclass.resource.kubernetes.io/half": 8}}},
		{"all are as many as a node has", []resourcev1.DeviceRequest{all}, quota.Amount{Units: 16 * quota.One, Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu": 16}}},
		{"adminAccess holds nothing", []resourcev1.DeviceRequest{admin}, quota.Amount{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := &resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: tt.requests}}
			if diff := cmp.Diff(tt.want, weights(t, half).Claim(spec)); diff != "" {
				t.Errorf("amount (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWeightsOfATenantStandOverTheConfigurations(t *testing.T) {
	cfg := &v1alpha1.AdmissionConfiguration{Policies: map[string]v1alpha1.PolicyConfiguration{
		quota.Policy: {Parameters: map[string]apiextensionsv1.JSON{"shared_replicas": {Raw: []byte("2")}, "untenanted": {Raw: []byte(`"allow"`)}}},
	}}
	configured, err := quota.WeightsOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tenant := &v1alpha1.Tenant{}
	same, err := configured.For(tenant)
	if err != nil || same != configured {
		t.Fatalf("a tenant without parameters: %v, %v", same, err)
	}
	tenant.Spec.Parameters = map[string]apiextensionsv1.JSON{quota.Policy: {Raw: []byte(`{"weights": {"nvidia.com/gpu": "2"}}`)}}
	own, err := configured.For(tenant)
	if err != nil {
		t.Fatal(err)
	}
	spec := &corev1.PodSpec{Containers: []corev1.Container{asking(map[string]string{"nvidia.com/gpu.shared": "1"})}}
	if got := [2]quota.Units{configured.Pod(spec, nil).Units, own.Pod(spec, nil).Units}; got != [2]quota.Units{500_000, quota.One} {
		t.Errorf("units by configuration and by tenant: %v", got)
	}
	tenant.Spec.Parameters[quota.Policy] = apiextensionsv1.JSON{Raw: []byte(`[]`)}
	if _, err := configured.For(tenant); err == nil {
		t.Error("parameters that are no object are read without an error")
	}
}
