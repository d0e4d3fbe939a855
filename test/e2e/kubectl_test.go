package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podManifest is a pod that a tenant may run as it is, for a name, an image
// and GPUs.
const podManifest = `
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: app
      image: %s
      resources: {limits: {nvidia.com/gpu: "%d"}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// kubectlAs runs kubectl as a developer in a namespace.
func kubectlAs(t *testing.T, namespace, stdin string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	return shared.Kubectl(t.Context(), stdin, append([]string{"--as", developer, "--namespace", namespace}, arguments...)...)
}

// greedyPod asks for everything that a tenant may not have.
const greedyPod = `
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  tolerations: [{key: tenant, operator: Exists}]
  containers:
    - name: app
      image: app:1
      securityContext: {privileged: true}
`

func TestKubectlIsToldWhyAPodIsDenied(t *testing.T) {
	namespace := shared.namespace(t, "kubectl-denied", "tenant-a")
	_, complaint, err := kubectlAs(t, namespace, greedyPod, "create", "-f", "-")
	if err == nil {
		t.Fatal("kubectl created the pod")
	}
	for _, want := range []string{
		deniedBy,
		"spec.containers[0].securityContext.privileged: ",
		`(container "app") [pod_security/privileged]`,
		"spec.tolerations[0]: ",
		"[tenant_isolation/toleration]",
	} {
		if !strings.Contains(complaint, want) {
			t.Errorf("kubectl does not say %q, but:\n%s", want, complaint)
		}
	}
	t.Log(complaint)
}

func TestKubectlGetsAPodWithWhatUsherAdds(t *testing.T) {
	namespace := shared.namespace(t, "kubectl-mutated", "tenant-a")
	output, _, err := kubectlAs(t, namespace, fmt.Sprintf(podManifest, "modest", "app:1", 2), "create", "-f", "-", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var pod struct {
		Spec struct {
			NodeSelector map[string]string
			Tolerations  []struct{ Key, Value, Effect string }
			Containers   []struct {
				Resources struct{ Limits, Requests map[string]string }
			}
		}
	}
	if err := json.Unmarshal([]byte(output), &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Spec.NodeSelector["tenant"] != "tenant-a" {
		t.Errorf("node selector %v does not lead to the tenant's pool", pod.Spec.NodeSelector)
	}
	tolerates := false
	for _, toleration := range pod.Spec.Tolerations {
		tolerates = tolerates || toleration.Key == "tenant" && toleration.Value == "tenant-a"
	}
	if !tolerates {
		t.Errorf("tolerations %v do not open the tenant's pool", pod.Spec.Tolerations)
	}
	for _, resource := range []string{"cpu", "memory"} {
		if limits := pod.Spec.Containers[0].Resources.Limits; limits[resource] == "" {
			t.Errorf("no default limit of %s in %v", resource, limits)
		}
	}
}

func TestServerSideDryRunIsJudgedAndStoresNothing(t *testing.T) {
	namespace := shared.namespace(t, "dry-run", "tenant-a")
	if _, complaint, err := kubectlAs(t, namespace, fmt.Sprintf(podManifest, "greedy", "app:1", 3), "create", "--dry-run=server", "-f", "-"); err == nil || !strings.Contains(complaint, deniedBy) {
		t.Errorf("the violating pod: %v", err)
	}
	if _, _, err := kubectlAs(t, namespace, fmt.Sprintf(podManifest, "modest", "app:1", 1), "create", "--dry-run=server", "-f", "-"); err != nil {
		t.Errorf("the clean pod: %v", err)
	}
	stored, err := shared.admin(t).Resource(pods).Namespace(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.Items) != 0 {
		t.Errorf("%d pods are stored after dry runs", len(stored.Items))
	}
}

func TestKubectlApplyTwiceChangesNothingTheSecondTime(t *testing.T) {
	namespace := shared.namespace(t, "apply", "tenant-a")
	for _, mode := range []string{"--server-side=false", "--server-side=true"} {
		t.Run(mode, func(t *testing.T) {
			name := "pod" + strings.ReplaceAll(mode, "=", "-")
			apply := func(image string) string {
				t.Helper()
				output, _, err := kubectlAs(t, namespace, fmt.Sprintf(podManifest, name, image, 1), "apply", mode, "-f", "-", "-o", "jsonpath={.metadata.resourceVersion}")
				if err != nil {
					t.Fatal(err)
				}
				return output
			}
			first := apply("app:1")
			if second := apply("app:1"); second != first {
				t.Errorf("the same manifest changed the pod from version %s to %s", first, second)
			}
			if third := apply("app:2"); third == first {
				t.Error("another image did not change the pod")
			}
		})
	}
}

func TestEphemeralDebugContainers(t *testing.T) {
	namespace := shared.namespace(t, "debug", "tenant-a")
	if _, _, err := kubectlAs(t, namespace, fmt.Sprintf(podManifest, "debugged", "app:1", 1), "create", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	_, complaint, err := kubectlAs(t, namespace, "", "debug", "debugged", "--image=busybox:1", "--container=root", "--profile=sysadmin", "--attach=false")
	if err == nil || !strings.Contains(complaint, "spec.ephemeralContainers[0].securityContext.privileged: ") {
		t.Errorf("a privileged debug container: %v", err)
	}
	if _, _, err := kubectlAs(t, namespace, "", "debug", "debugged", "--image=busybox:1", "--container=plain", "--profile=restricted", "--attach=false"); err != nil {
		t.Errorf("a restricted debug container: %v", err)
	}
}
