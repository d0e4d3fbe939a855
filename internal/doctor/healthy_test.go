package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/manifests"
)

// now is the time of all snapshots of tests.
var now = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

// healthy is a cluster in which all of usher runs as its manifests say, with one
// tenant, a node with GPUs and CoreDNS.
func healthy(t *testing.T) *Snapshot {
	t.Helper()
	const ns = defaultNamespace
	want := shipped()
	s := &Snapshot{
		Namespace: ns, Now: now, Live: true, unread: map[Kind]string{}, want: want,
		Mutating: copies(want.Mutating), Validating: copies(want.Validating), Policies: copies(want.Policies), Bindings: copies(want.Bindings),
		CRDs: copies(want.CRDs), Deployments: copies(want.Deployments), DaemonSets: copies(want.DaemonSets), Services: copies(want.Services),
		Budgets: copies(want.Budgets), ClusterRoles: copies(want.ClusterRoles), RoleBindings: copies(want.RoleBindings), FlowSchemas: copies(want.FlowSchemas),
	}
	for _, c := range s.CRDs {
		c.Status = apiextensionsv1.CustomResourceDefinitionStatus{
			StoredVersions: []string{"v1alpha1"},
			Conditions:     []apiextensionsv1.CustomResourceDefinitionCondition{{Type: apiextensionsv1.Established, Status: apiextensionsv1.ConditionTrue}},
		}
	}
	for _, d := range s.Deployments {
		d.Namespace = ns
		d.Status.ReadyReplicas = *d.Spec.Replicas
		for _, node := range []string{"node-1", "node-2"} {
			s.Pods = append(s.Pods, podOf(d, node))
		}
	}
	for _, d := range s.DaemonSets {
		d.Namespace = ns
		d.Status.DesiredNumberScheduled, d.Status.NumberReady = 1, 1
	}
	for _, o := range s.Services {
		o.Namespace = ns
	}
	for _, o := range s.Budgets {
		o.Namespace = ns
	}
	for _, b := range s.RoleBindings {
		for i := range b.Subjects {
			b.Subjects[i].Namespace = ns
		}
	}
	for _, name := range []string{ns, "kube-system", "team-a", "tools"} {
		s.Namespaces = append(s.Namespaces, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}}})
	}
	s.Namespaces[2].Labels["tenant"] = "research"
	s.ConfigMaps = []*corev1.ConfigMap{
		configMap(t, "usher-webhook-config", map[string]string{configFile: "base/config.yaml"}),
		configMap(t, "gpu-topology-scheduler-config", map[string]string{"scheduler-config.yaml": "scheduler/scheduler-config.yaml", "extender-config.yaml": "scheduler/extender-config.yaml"}),
	}
	s.Slices = []*discoveryv1.EndpointSlice{{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "usher-webhook-x", Labels: map[string]string{"kubernetes.io/service-name": "usher-webhook"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}},
	}}
	s.Leases = []*coordinationv1.Lease{{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "usher-controller"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: new("usher-controller-1"), LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: now.Add(-2 * time.Second)}},
	}}
	s.Nodes = []*corev1.Node{
		{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{Conditions: ready()}},
		{
			ObjectMeta: metav1.ObjectMeta{Name: "gpu-1", Labels: map[string]string{"nvidia.com/gpu.present": "true"}},
			Status:     corev1.NodeStatus{Conditions: ready(), Capacity: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8"), "cpu": resource.MustParse("64")}},
		},
	}
	s.GPUNodes = []*v1alpha1.GPUNode{{
		ObjectMeta: metav1.ObjectMeta{Name: "gpu-1"},
		Status: v1alpha1.GPUNodeStatus{
			Heartbeat:  &metav1.Time{Time: now.Add(-30 * time.Second)},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}},
		},
	}}
	s.Deployments = append(s.Deployments, deployment("kube-system", "coredns"))
	s.DaemonSets = append(s.DaemonSets, &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "network"},
		Spec:       appsv1.DaemonSetSpec{Template: deployment("kube-system", "network").Spec.Template},
	})
	s.Tenants = []*v1alpha1.Tenant{tenant("research")}
	s.Ledgers = []*v1alpha1.QuotaLedger{{
		ObjectMeta: metav1.ObjectMeta{Name: "research"},
		Spec:       v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: new(int64(8_000_000))}},
		Status: v1alpha1.QuotaLedgerStatus{
			Counted: &metav1.Time{Time: now.Add(-time.Hour)}, Used: 1_000_000,
			Holders: []v1alpha1.LedgerEntry{{Kind: v1alpha1.KindPod, Namespace: "team-a", Name: "train", MicroUnits: 1_000_000, Resources: map[string]int64{"nvidia.com/gpu": 1}}},
		},
	}}
	s.Pods = append(s.Pods, gpuPod("team-a", "train"))
	certify(t, s, "usher-webhook.usher-system.svc", now.Add(-24*time.Hour))
	for _, pod := range s.Pods {
		if pod.Namespace == ns {
			s.Answers = append(s.Answers, answerOf(s, pod))
		}
	}
	s.sort()
	return s
}

// shipped is what the manifests say, read once.
var shipped = sync.OnceValue(func() *Snapshot { return wantedIn(defaultNamespace) })

func copies[T interface{ DeepCopy() T }](objects []T) []T {
	copied := make([]T, len(objects))
	for i, o := range objects {
		copied[i] = o.DeepCopy()
	}
	return copied
}

func ready() []corev1.NodeCondition {
	return []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
}

func configMap(t *testing.T, name string, files map[string]string) *corev1.ConfigMap {
	t.Helper()
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: defaultNamespace, Name: name}, Data: map[string]string{}}
	for key, path := range files {
		content, err := fs.ReadFile(manifests.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		m.Data[key] = string(content)
	}
	return m
}

func podOf(d *appsv1.Deployment, node string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: *d.Spec.Template.Spec.DeepCopy()}
	p.Namespace, p.Name, p.Spec.NodeName, p.Status.Phase = d.Namespace, d.Name+"-"+node, node, corev1.PodRunning
	return p
}

// deployment is somebody else's.
func deployment(namespace, name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: name + ":1"}}},
			},
		},
	}
}

func tenant(name string) *v1alpha1.Tenant {
	return &v1alpha1.Tenant{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.Time{Time: now.Add(-time.Hour)}},
		Spec:       v1alpha1.TenantSpec{GPU: &v1alpha1.GPULimits{PerTenant: new(resource.MustParse("8"))}},
		Status: v1alpha1.TenantStatus{Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, Reason: "NoConflict"},
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "AsSpecified"},
		}},
	}
}

func gpuPod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PodSpec{NodeName: "gpu-1", Containers: []corev1.Container{{
			Name: "main", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func answerOf(s *Snapshot, pod *corev1.Pod) Answer {
	a := Answer{App: pod.Labels[appLabel], Pod: pod.Name, Ready: true, Metrics: map[string]*dto.MetricFamily{}}
	if a.App == webhookName {
		chain, _ := s.servingCertificate()
		a.Detail = "policies 0c6f"
		a.set(metricExpiry, "certificate", "serving", float64(chain[0].NotAfter.Unix()))
		a.set(metricHeard, "resource", "namespaces", float64(now.Add(-time.Minute).Unix()))
		a.set(metricHeard, "resource", "tenants", float64(now.Add(-time.Minute).Unix()))
		a.set(metricReloadOK, "", "", 1)
	}
	return a
}

// set sets a metric.
func (a *Answer) set(name, label, value string, to float64) {
	m := &dto.Metric{Gauge: &dto.Gauge{Value: new(to)}}
	if label != "" {
		m.Label = []*dto.LabelPair{{Name: new(label), Value: new(value)}}
	}
	if a.Metrics[name] == nil {
		a.Metrics[name] = &dto.MetricFamily{Name: new(name)}
	}
	a.Metrics[name].Metric = append([]*dto.Metric{m}, a.Metrics[name].Metric...)
}

// certify makes an authority and a certificate of it for a host and for 90 days, and
// puts both where they belong.
func certify(t *testing.T, s *Snapshot, host string, from time.Time) {
	t.Helper()
	authority, leaf := issue(t, host, from, 90*24*time.Hour)
	for _, c := range s.Mutating {
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = authority
		}
	}
	for _, c := range s.Validating {
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = authority
		}
	}
	s.Secrets = []*corev1.Secret{{
		ObjectMeta: metav1.ObjectMeta{Namespace: defaultNamespace, Name: "usher-webhook-tls"},
		Type:       corev1.SecretTypeTLS, Data: map[string][]byte{corev1.TLSCertKey: leaf, corev1.TLSPrivateKeyKey: nil},
	}}
}

// issue returns an authority of ten lives and a certificate, in PEM.
func issue(t *testing.T, host string, from time.Time, life time.Duration) (authority, leaf []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "usher-ca"}, NotBefore: from, NotAfter: from.Add(10 * life),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: from.Add(life), DNSNames: []string{host},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	encode := func(c *x509.Certificate) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, root, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return encode(root), encode(server)
}
