package certs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// patience is how long anything here may take on a busy machine.
const patience = time.Minute

// namespace is that of the manifests, and in judgedNamespace usher refuses what the
// Pod Security Standards' level baseline does.
const (
	namespace       = webhook.Namespace
	judgedNamespace = "judged"
)

// usher is what the manifests install, with programs outside the cluster.
type usher struct {
	client.Client
	manifests      []*unstructured.Unstructured
	configurations []*unstructured.Unstructured
}

// install applies the base without the webhook configurations, and takes away in
// the end what the test has left.
func install(t *testing.T) *usher {
	t.Helper()
	c, err := client.New(plane.Config(), client.Options{})
	must(t, err)
	manifests, err := repository.Manifests(t.Context(), "base")
	must(t, err)
	u := &usher{Client: c}
	u.configurations, u.manifests = webhook.SplitRegistration(manifests)
	for _, object := range u.manifests {
		if object.GetKind() == "Service" {
			// A Service that leads to this machine: the name that the API server
			// comes for stays that of the Service.
			object.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
		}
	}
	must(t, plane.Apply(t.Context(), u.manifests...))
	must(t, plane.WaitForKinds(t.Context()))
	// Before the webhooks are registered: from then on namespaces are judged too.
	must(t, plane.ApplyYAML(t.Context(), "{apiVersion: v1, kind: Namespace, metadata: {name: "+judgedNamespace+", labels: {pod-security.kubernetes.io/enforce: baseline}}}"))
	t.Cleanup(func() {
		for _, object := range u.configurations {
			_ = u.Delete(context.Background(), object.DeepCopy())
		}
		for _, name := range secrets() {
			_ = u.Delete(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
		}
	})
	return u
}

// secrets are the names of all that the controller makes.
func secrets() []string {
	names := []string{certs.AuthoritySecret}
	for _, leaf := range certs.OwnLeaves(namespace) {
		names = append(names, leaf.Name)
	}
	return names
}

// controller runs usher-controller as its service account.
func (u *usher) controller(t *testing.T, flags ...string) *controller.Replica {
	t.Helper()
	folder := t.TempDir()
	r, err := controller.New(t.Context(), plane, folder, binary(t, controller.Name), u.manifests, append([]string{"--cert-mode=self"}, flags...)...)
	must(t, err)
	t.Cleanup(r.Release)
	must(t, r.StartAlone(t.Context()))
	return r
}

var (
	building sync.Mutex
	built    = map[string]string{}
)

// binary builds a program once.
func binary(t *testing.T, name string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	if built[name] == "" {
		path, err := repository.Build(t.Context(), folder, name)
		must(t, err)
		built[name] = path
	}
	return built[name]
}

// secret reads a Secret; nil: there is none.
func (u *usher) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	found := &corev1.Secret{}
	if err := u.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, found); err != nil {
		must(t, client.IgnoreNotFound(err))
		return nil
	}
	return found
}

// mount keeps a folder as a kubelet keeps the volume of a Secret: all files change
// at once, and stay when the Secret is gone.
func (u *usher) mount(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		version := ""
		for ctx.Err() == nil {
			found := &corev1.Secret{}
			if err := u.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, found); err == nil && found.ResourceVersion != version {
				version = found.ResourceVersion
				if err := lay(dir, version, found.Data); err != nil {
					t.Error(err)
				}
			}
			sleep(ctx, 200*time.Millisecond)
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return dir
}

// lay lays files out as the kubelet does: links into ..data, itself a link that is
// replaced.
func lay(dir, version string, files map[string][]byte) error {
	behind := "..v" + version
	if err := os.Mkdir(filepath.Join(dir, behind), 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, behind, name), content, 0o600); err != nil {
			return err
		}
	}
	before, _ := os.Readlink(filepath.Join(dir, "..data"))
	if err := os.Symlink(behind, filepath.Join(dir, "..data_tmp")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		return err
	}
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if before == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, before))
}

// program is one of usher's servers.
type program struct {
	name, folder string
	port, probes *controlplane.Port
	arguments    []string
	process      *controlplane.Process
}

// newProgram prepares a server that reads the cluster as its service account.
func newProgram(t *testing.T, name, account string) *program {
	t.Helper()
	p := &program{name: name, folder: t.TempDir()}
	for _, port := range []**controlplane.Port{&p.port, &p.probes} {
		var err error
		*port, err = controlplane.ReservePort()
		must(t, err)
		t.Cleanup((*port).Release)
	}
	config, err := plane.AsServiceAccount(t.Context(), namespace, account, nil)
	must(t, err)
	must(t, controlplane.WriteKubeconfig(filepath.Join(p.folder, "kubeconfig"), config))
	p.arguments = []string{"--kubeconfig=" + filepath.Join(p.folder, "kubeconfig"), "--listen=" + p.port.Address(), "--probe-listen=" + p.probes.Address()}
	t.Cleanup(func() { p.process.Kill() })
	return p
}

// webhook prepares usher-webhook with the certificate in its Secret, which lets
// only the API server ask.
func (u *usher) webhook(t *testing.T) *program {
	t.Helper()
	p := newProgram(t, webhook.Name, webhook.Name)
	configuration, err := repository.ShippedConfiguration(u.manifests)
	must(t, err)
	file := filepath.Join(p.folder, "config.yaml")
	must(t, os.WriteFile(file, []byte(configuration), 0o600))
	dir := u.mount(t, certs.WebhookSecret)
	p.arguments = append(p.arguments, "--config="+file, "--cert-dir="+dir,
		"--cert-name=usher-webhook."+namespace+".svc", "--client-ca-file="+filepath.Join(dir, "ca.crt"), "--drain=0s")
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	p.process.Kill()
	var err error
	p.process, err = controlplane.StartProcess(p.name, p.logFile(), binary(t, p.name), p.arguments...)
	must(t, err)
}

func (p *program) logFile() string { return filepath.Join(p.folder, p.name+".log") }

// get returns the answer to a probe; status 0: nobody answers.
func (p *program) get(t *testing.T, path string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.probes.Address()+path, http.NoBody)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// says waits until readiness has a status and words, and nothing of the others.
func (p *program) says(t *testing.T, status int, words ...string) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("%s answers %d and says %q", p.name, status, words), func() (struct{}, error) {
		got, text := p.get(t, "/readyz")
		for _, word := range words {
			if !strings.Contains(text, word) {
				return struct{}{}, fmt.Errorf("%d: %s", got, text)
			}
		}
		if got != status {
			return struct{}{}, fmt.Errorf("%d: %s", got, text)
		}
		return struct{}{}, nil
	})
}

// measures waits until a metric has a value.
func (p *program) measures(t *testing.T, series, value string) {
	t.Helper()
	await.Success(t, patience, series+" "+value, func() (struct{}, error) {
		_, text := p.get(t, "/metrics")
		for line := range strings.Lines(text) {
			if strings.TrimSpace(line) == series+" "+value {
				return struct{}{}, nil
			}
		}
		return struct{}{}, errors.New("among the metrics is no such line")
	})
}

// logged checks that the log has words.
func (p *program) logged(t *testing.T, words string) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("%s logs %q", p.name, words), func() (struct{}, error) {
		log, err := os.ReadFile(p.logFile())
		if err == nil && !strings.Contains(string(log), words) {
			err = fmt.Errorf("its log is %s", log)
		}
		return struct{}{}, err
	})
}

// register applies the webhook configurations as --cert-mode=self wants them: with
// the annotation, and without a bundle. The Service leads to the webhook's port.
func (u *usher) register(t *testing.T, p *program) {
	t.Helper()
	for _, shipped := range u.configurations {
		object := shipped.DeepCopy()
		object.SetAnnotations(map[string]string{certs.InjectAnnotation: certs.InjectSelf})
		for _, hook := range object.Object["webhooks"].([]any) {
			service := hook.(map[string]any)["clientConfig"].(map[string]any)["service"].(map[string]any)
			service["port"] = int64(p.port.Number)
		}
		must(t, plane.Apply(t.Context(), object))
	}
}

// bundles are those of the registered webhooks.
func (u *usher) bundles(t *testing.T) (found []string) {
	t.Helper()
	var validating admissionregistrationv1.ValidatingWebhookConfiguration
	must(t, u.Get(t.Context(), client.ObjectKey{Name: webhook.Name}, &validating))
	for _, hook := range validating.Webhooks {
		found = append(found, string(hook.ClientConfig.CABundle))
	}
	var mutating admissionregistrationv1.MutatingWebhookConfiguration
	must(t, u.Get(t.Context(), client.ObjectKey{Name: webhook.Name}, &mutating))
	for _, hook := range mutating.Webhooks {
		found = append(found, string(hook.ClientConfig.CABundle))
	}
	return found
}

// refused creates a pod that usher refuses. The error is the API server's answer.
func (u *usher) refused(t *testing.T) error {
	t.Helper()
	return u.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: judgedNamespace, GenerateName: "refused-"},
		Spec:       corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "c", Image: "registry.example/c"}}},
	})
}

// judged waits until a pod is refused by usher's own judgement, and by nothing else.
func (u *usher) judged(t *testing.T) {
	t.Helper()
	await.Success(t, patience, "a pod is judged", func() (struct{}, error) {
		err := u.refused(t)
		if err == nil {
			return struct{}{}, errors.New("it was admitted")
		}
		if !strings.Contains(err.Error(), `"validate.usher.dev" denied the request`) {
			return struct{}{}, err
		}
		return struct{}{}, nil
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
