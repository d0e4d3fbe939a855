package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// Names in manifests/scheduler.
const (
	extenderName     = "usher-extender"
	schedulerAccount = "usher-scheduler"
	gpuScheduler     = "gpu-topology-scheduler"
)

// extender prepares usher-extender with the certificate in its Secret, which lets
// only the scheduler ask.
func (u *usher) extender(t *testing.T) *program {
	t.Helper()
	p := newProgram(t, extenderName, schedulerAccount)
	dir := u.mount(t, certs.ExtenderSecret)
	p.arguments = append(p.arguments, "--cert-dir="+dir, "--cert-name=127.0.0.1", "--client-ca-file="+filepath.Join(dir, "ca.crt"), "--drain=0s")
	return p
}

// scheduler prepares a kube-scheduler with the configuration of the manifests, in
// which the extender is asked over TLS with the certificate in the scheduler's
// Secret.
func (u *usher) scheduler(t *testing.T, extender *program, objects configMaps) *controlplane.Scheduler {
	t.Helper()
	dir := u.mount(t, certs.SchedulerClientSecret)
	eventually(t, patience, "the scheduler's certificate is mounted", func() bool {
		_, err := os.Stat(filepath.Join(dir, corev1.TLSCertKey))
		return err == nil
	})
	var configuration map[string]any
	must(t, yaml.Unmarshal([]byte(objects["scheduler-config.yaml"]), &configuration))
	asked := configuration["extenders"].([]any)[0].(map[string]any)
	asked["urlPrefix"] = "https://" + extender.port.Address() + "/v1"
	asked["enableHTTPS"] = true
	asked["tlsConfig"] = map[string]any{
		"caFile":   filepath.Join(dir, "ca.crt"),
		"certFile": filepath.Join(dir, corev1.TLSCertKey),
		"keyFile":  filepath.Join(dir, corev1.TLSPrivateKeyKey),
	}
	encoded, err := yaml.Marshal(configuration)
	must(t, err)
	config, err := plane.AsServiceAccount(t.Context(), namespace, schedulerAccount, nil)
	must(t, err)
	// As a refused pod is looked at again in the manifests, but sooner.
	s, err := plane.NewScheduler(gpuScheduler, encoded, config, "--pod-max-in-unschedulable-pods-duration=5s")
	must(t, err)
	t.Cleanup(s.Release)
	must(t, s.Start(t.Context()))
	return s
}

// configMaps are the files in the ConfigMaps of manifests.
type configMaps map[string]string

// installScheduler applies manifests/scheduler without its Deployment.
func installScheduler(t *testing.T) configMaps {
	t.Helper()
	objects, err := repository.Manifests(t.Context(), "scheduler")
	must(t, err)
	files := configMaps{}
	for _, object := range objects {
		if object.GetKind() == "ConfigMap" {
			for name, content := range object.Object["data"].(map[string]any) {
				files[name] = content.(string)
			}
		}
		if object.GetKind() != "Deployment" {
			must(t, plane.Apply(t.Context(), object))
		}
	}
	return files
}

// asked makes a pod with a GPU and waits until the scheduler says of it what the
// extender said, or why it could not be asked.
func (u *usher) asked(t *testing.T, name string, wants string) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: judgedNamespace, Name: name},
		Spec: corev1.PodSpec{SchedulerName: gpuScheduler, Containers: []corev1.Container{{
			Name: "c", Image: "registry.example/c",
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}},
		}}},
	}
	must(t, u.Create(t.Context(), pod))
	await.Success(t, patience, fmt.Sprintf("of pod %s is said %q", name, wants), func() (struct{}, error) {
		if err := u.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return struct{}{}, err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled {
				if strings.Contains(condition.Message, wants) {
					return struct{}{}, nil
				}
				return struct{}{}, errors.New(condition.Message)
			}
		}
		return struct{}{}, errors.New("nothing yet")
	})
	must(t, u.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
}

// A real kube-scheduler asks the extender over mutual TLS with the certificates
// that the controller made. It reads its own certificate again for each connection,
// and the authorities never: after a new authority it has to be started anew.
func TestTheSchedulerAsksTheExtenderOverMutualTLS(t *testing.T) {
	u := install(t)
	files := installScheduler(t)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "certs-gpu"}}
	must(t, u.Create(t.Context(), node))
	t.Cleanup(func() { _ = u.Delete(context.Background(), node) })
	node.Status.Capacity = corev1.ResourceList{
		"nvidia.com/gpu": resource.MustParse("8"), "cpu": resource.MustParse("8"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("10"),
	}
	node.Status.Allocatable = node.Status.Capacity
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	must(t, u.Status().Update(t.Context(), node))

	c := u.controller(t, "--cert-overlap=2s")
	x := u.extender(t)
	x.start(t)
	x.says(t, http.StatusOK, "certificate until ", "client CA until ")
	s := u.scheduler(t, x, files)
	// What the extender says of a node whose GPUs nobody has reported.
	const answer = "no agent has reported the node's GPUs"
	u.asked(t, "first", answer)
	u.stranger(t, x)

	// Another certificate of the same authority, on a new connection.
	before := u.secret(t, certs.SchedulerClientSecret).Data[corev1.TLSCertKey]
	must(t, u.Delete(t.Context(), u.secret(t, certs.SchedulerClientSecret)))
	u.renewed(t, certs.SchedulerClientSecret, before)
	x.start(t)
	x.says(t, http.StatusOK, "certificate until ", "client CA until ")
	u.asked(t, "renewed", answer)

	// Another authority: a lost one is replaced with overlap.
	old := leaf(u.secret(t, certs.AuthoritySecret).Data["ca.crt"])
	must(t, u.Delete(t.Context(), u.secret(t, certs.AuthoritySecret)))
	eventually(t, patience, "another authority has taken over", func() bool {
		found := u.secret(t, certs.AuthoritySecret)
		return found != nil && !leaf(found.Data["ca.crt"]).Equal(old) && len(found.Data["retired.crt"]) == 0
	})
	keeps(t, c, "certificates: steady")
	x.start(t)
	x.says(t, http.StatusOK, "certificate until ", "client CA until ")
	u.asked(t, "rotated", "certificate signed by unknown authority")
	s.Kill()
	must(t, s.Start(t.Context()))
	u.asked(t, "restarted", answer)
}

// stranger asks the extender without a certificate, and with one of a server.
func (u *usher) stranger(t *testing.T, x *program) {
	t.Helper()
	data := u.secret(t, certs.ExtenderSecret).Data
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data["ca.crt"])
	server, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	must(t, err)
	for name, certificates := range map[string][]tls.Certificate{"none": nil, "a server's": {server}} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certificates, MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+x.port.Address()+"/v1/filter", http.NoBody)
		must(t, err)
		response, err := transport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("a client with the certificate %s is answered: %s", name, response.Status)
		}
	}
}
