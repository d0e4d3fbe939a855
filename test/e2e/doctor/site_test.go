package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/balancer"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// patience is how long anything here may take on a busy machine; a Lease that is
// not renewed is old after half a minute.
const patience = 2 * time.Minute

// site is usher as its manifests install it. The API server asks it by its Service,
// whose EndpointSlice leads to a load balancer before its replicas, and reaches the
// probes of each replica by its pod.
type site struct {
	*controlplane.ControlPlane
	folder  string
	address string
	// objects are what was applied: the base, the scheduler, the agent, the tenants.
	objects     []*unstructured.Unstructured
	webhooks    []*webhook.Replica
	controllers []*controller.Replica
	usher       string
	serving     controlplane.KeyPair
	authority   *controlplane.Authority
	endpoint    opening
	ends        []func()
}

// hostAddress is an address of this machine that is no loopback address: an API
// server leads nobody to those.
func hostAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	must(t, err)
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but the loopback address, to which kube-apiserver leads nobody")
	return ""
}

func start(t *testing.T) *site {
	t.Helper()
	t.Log("tree", os.Getenv("USHER_TREE"))
	s := &site{folder: t.TempDir(), address: hostAddress(t)}
	programs, err := controlplane.FindPrograms(t.Context())
	must(t, err)
	// Without kube-proxy nothing answers at a ClusterIP: the API server goes to the
	// endpoints itself.
	s.ControlPlane, err = controlplane.New(s.folder, programs, "--enable-aggregator-routing=true")
	must(t, err)
	t.Cleanup(func() {
		for _, end := range s.ends {
			end()
		}
		s.Release()
	})
	must(t, s.Start(t.Context()))
	s.usher, err = repository.Build(t.Context(), s.folder, "usher")
	must(t, err)
	kwok, err := s.StartKWOK(t.Context())
	must(t, err)
	s.ends = append(s.ends, kwok.Release)
	var registration []*unstructured.Unstructured
	for _, kustomization := range []string{"base", "agent", "scheduler"} {
		objects, err := repository.Manifests(t.Context(), kustomization)
		must(t, err)
		configurations, rest := webhook.SplitRegistration(objects)
		registration, s.objects = append(registration, configurations...), append(s.objects, rest...)
		must(t, s.Apply(t.Context(), rest...))
	}
	must(t, s.WaitForKinds(t.Context()))
	must(t, s.ApplyYAML(t.Context(), nodes))
	s.startWebhooks(t)
	s.startControllers(t)
	s.startScheduler(t)
	trust(registration, s.authority.PEM)
	s.objects = append(s.objects, registration...)
	must(t, s.Apply(t.Context(), registration...))
	tenants, err := repository.Decode([]byte(tenantManifest))
	must(t, err)
	s.objects = append(s.objects, tenants...)
	s.eventually(t, "usher is asked by its Service", func() error { return s.Apply(t.Context(), tenants...) })
	must(t, controller.WaitCounted(t.Context(), s.ControlPlane, "lab"))
	s.startAgent(t)
	return s
}

// nodes are a node for usher's pods, of which no KWOK takes care, so that their
// status is the test's to say, and one with GPUs, which KWOK makes Ready.
const nodes = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: v1
kind: Node
metadata: {name: node-2}
---
apiVersion: v1
kind: Node
metadata:
  name: gpu-1
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {nvidia.com/gpu.present: "true"}
status:
  capacity: {cpu: 64, memory: 512Gi, pods: 110, nvidia.com/gpu: 8}
  allocatable: {cpu: 64, memory: 512Gi, pods: 110, nvidia.com/gpu: 8}
`

const tenantManifest = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: lab}
spec:
  namespaces: [lab]
  owners: [{kind: User, name: ada, role: Admin}]
  gpu: {perTenant: 8}
`

// trust puts the authority into every webhook's bundle.
func trust(configurations []*unstructured.Unstructured, bundle []byte) {
	for _, configuration := range configurations {
		for _, w := range configuration.Object["webhooks"].([]any) {
			w.(map[string]any)["clientConfig"].(map[string]any)["caBundle"] = encoded(bundle)
		}
	}
}

// startWebhooks starts two replicas with one certificate, that of the Service, and
// the balancer that the Service leads to.
func (s *site) startWebhooks(t *testing.T) {
	t.Helper()
	binary, err := repository.Build(t.Context(), s.folder, webhook.Name)
	must(t, err)
	s.authority, err = controlplane.NewAuthority("usher")
	must(t, err)
	s.serving, err = s.authority.Serving(webhook.Name + "." + webhook.Namespace + ".svc")
	must(t, err)
	must(t, s.storeCertificate(t.Context(), s.serving))
	s.endpoint = s.listen(t)
	for n := range 2 {
		r, err := webhook.New(t.Context(), s.ControlPlane, filepath.Join(s.folder, fmt.Sprint("webhook-", n)), binary, s.objects)
		must(t, err)
		s.ends = append(s.ends, r.Release)
		_, _, err = s.serving.Write(r.Folder, "tls.crt", "tls.key")
		must(t, err)
		must(t, r.Start(t.Context()))
		s.webhooks = append(s.webhooks, r)
		s.endpoint.Add(r.Port.Address())
		s.pod(t, webhook.Name, n, r.Probe(""))
	}
	s.available(t, webhook.Name, 2)
	must(t, s.ApplyYAML(t.Context(), s.slice(true)))
}

// opening is a port of the machine's own address that leads to processes.
type opening struct {
	*balancer.Balancer
	port int
}

func (s *site) listen(t *testing.T) opening {
	t.Helper()
	port := s.port(t).Number
	b, err := balancer.Listen(t.Context(), net.JoinHostPort(s.address, strconv.Itoa(port)))
	must(t, err)
	s.ends = append(s.ends, b.Close)
	return opening{b, port}
}

// storeCertificate writes the Secret that the webhook's pods mount.
func (s *site) storeCertificate(ctx context.Context, pair controlplane.KeyPair) error {
	return s.ApplyYAML(ctx, fmt.Sprintf("{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {name: usher-webhook-tls, namespace: usher-system}, data: {tls.crt: %s, tls.key: %s}}",
		encoded(pair.Certificate), encoded(pair.Key)))
}

// slice is what the endpointslice controller would make of the ready replicas.
func (s *site) slice(ready bool) string {
	return fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: usher-webhook-test, namespace: usher-system, labels: {kubernetes.io/service-name: usher-webhook}}
addressType: IPv4
endpoints: [{addresses: ["%s"], conditions: {ready: %t, serving: %[2]t}}]
ports: [{name: https, port: %[3]d, protocol: TCP}]
`, s.address, ready, s.endpoint.port)
}

func (s *site) startControllers(t *testing.T) {
	t.Helper()
	binary, err := repository.Build(t.Context(), s.folder, controller.Name)
	must(t, err)
	for n := range 2 {
		r, err := controller.New(t.Context(), s.ControlPlane, filepath.Join(s.folder, fmt.Sprint("controller-", n)), binary, s.objects)
		must(t, err)
		s.ends = append(s.ends, r.Release)
		must(t, r.Start(t.Context()))
		s.controllers = append(s.controllers, r)
		s.pod(t, controller.Name, n, r.Probe(""))
	}
	s.available(t, controller.Name, 2)
}

// startScheduler runs the extender as the scheduler's service account, behind the
// pod that it would be in.
func (s *site) startScheduler(t *testing.T) {
	t.Helper()
	const name = "usher-extender"
	binary, err := repository.Build(t.Context(), s.folder, name)
	must(t, err)
	config, err := s.AsServiceAccount(t.Context(), webhook.Namespace, "usher-scheduler", nil)
	must(t, err)
	kubeconfig := filepath.Join(s.folder, name+".kubeconfig")
	must(t, controlplane.WriteKubeconfig(kubeconfig, config))
	serves, probes := s.port(t), s.port(t)
	process, err := controlplane.StartProcess(name, filepath.Join(s.folder, name+".log"), binary,
		"--listen="+serves.Address(), "--probe-listen="+probes.Address(), "--kubeconfig="+kubeconfig)
	must(t, err)
	s.ends = append(s.ends, process.Kill)
	ready := "http://" + probes.Address() + "/readyz"
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, process.WaitReady(ctx, http.DefaultClient, ready))
	s.pod(t, schedulerName, 0, ready)
	s.pod(t, schedulerName, 1, ready)
	s.available(t, schedulerName, 2)
}

const schedulerName = "gpu-topology-scheduler"

func (s *site) port(t *testing.T) *controlplane.Port {
	t.Helper()
	p, err := controlplane.ReservePort()
	must(t, err)
	s.ends = append(s.ends, p.Release)
	return p
}

// pod makes a pod of a Deployment as its controller would, on the node of that
// number, with the status that a kubelet would give it. Its port "probes" leads to
// the process's probe.
func (s *site) pod(t *testing.T, deployment string, n int, probe string) {
	t.Helper()
	target, err := url.Parse(probe)
	must(t, err)
	b := s.listen(t)
	b.Add(target.Host)
	pod, err := s.template(deployment)
	must(t, err)
	pod.SetName(fmt.Sprintf("%s-%d", deployment, n))
	must(t, unstructured.SetNestedField(pod.Object, fmt.Sprint("node-", n+1), "spec", "nodeName"))
	for _, field := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", field)
		for _, c := range containers {
			ports, _ := c.(map[string]any)["ports"].([]any)
			for _, p := range ports {
				if p := p.(map[string]any); p["name"] == "probes" {
					p["containerPort"] = int64(b.port)
				}
			}
		}
		if containers != nil {
			must(t, unstructured.SetNestedSlice(pod.Object, containers, "spec", field))
		}
	}
	must(t, s.Apply(t.Context(), pod))
	s.status(t, "pod", pod.GetName(), fmt.Sprintf(`{phase: Running, podIP: %q, podIPs: [{ip: %[1]q}], conditions: [{type: Ready, status: "True"}]}`, s.address))
}

// template is a pod as a Deployment's template has it.
func (s *site) template(deployment string) (*unstructured.Unstructured, error) {
	for _, o := range s.objects {
		if o.GetKind() == "Deployment" && o.GetName() == deployment {
			pod, _, err := unstructured.NestedMap(o.Object, "spec", "template")
			if err != nil {
				return nil, err
			}
			u := &unstructured.Unstructured{Object: pod}
			u.SetAPIVersion("v1")
			u.SetKind("Pod")
			u.SetNamespace(webhook.Namespace)
			return u, nil
		}
	}
	return nil, errors.New("there is no Deployment " + deployment)
}

// available says how many replicas of a Deployment are ready, as its controller would.
func (s *site) available(t *testing.T, deployment string, ready int) {
	t.Helper()
	s.status(t, "deployment", deployment, fmt.Sprintf("{replicas: 2, readyReplicas: %d, availableReplicas: %[1]d}", ready))
}

func (s *site) status(t *testing.T, kind, name, status string) {
	t.Helper()
	s.kubectl(t, "patch", kind, name, "-n", webhook.Namespace, "--subresource=status", "--type=merge", "-p", yamlToJSON(t, "{status: "+status+"}"))
}

func (s *site) kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	out, _, err := s.Kubectl(t.Context(), "", arguments...)
	must(t, err)
	return strings.TrimSpace(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
