package e2e

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// violatingPod is what a tenant may not run: it was there before the policy.
const violatingPod = `
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: lifecycle, finalizers: [e2e.usher.dev/wait]}
spec:
  hostNetwork: true
  containers:
    - name: app
      image: app:1
      securityContext: {privileged: true}
      env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}]
`

func TestUpdatesOfAViolatingPod(t *testing.T) {
	pod := grandfather(t, pods, decode(t, violatingPod))
	developers := shared.as(t, developer).Resource(pods).Namespace(pod.GetNamespace())
	patch := func(body string, subresources ...string) error {
		_, err := developers.Patch(t.Context(), pod.GetName(), types.MergePatchType, []byte(body), metav1.PatchOptions{}, subresources...)
		return err
	}
	allowed := func(what, body string, subresources ...string) {
		t.Helper()
		if err := patch(body, subresources...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	denied := func(what, body string, subresources ...string) {
		t.Helper()
		if err := expectDenial(patch(body, subresources...)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	anotherImage := `{"spec": {"containers": [{"name": "app", "image": "app:2", "securityContext": {"privileged": true}, "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}]}}`

	allowed("a label while it runs", `{"metadata": {"labels": {"team": "vision"}}}`)
	allowed("an annotation while it runs", `{"metadata": {"annotations": {"note": "seen"}}}`)
	allowed("its status while it runs", `{"status": {"phase": "Running"}}`, "status")
	denied("what only usher writes, while it runs", `{"metadata": {"annotations": {"usher.dev/reservation": "mine"}}}`)
	denied("another image while it runs", anotherImage)

	if err := developers.Delete(t.Context(), pod.GetName(), metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	allowed("a label while it terminates", `{"metadata": {"labels": {"team": "speech"}}}`)
	denied("another image while it terminates", anotherImage)
	allowed("a shorter list of finalizers and a label", `{"metadata": {"labels": {"team": "audio"}, "finalizers": ["e2e.usher.dev/wait"]}}`)
	allowed("no finalizers any more", `{"metadata": {"finalizers": null}}`)
	eventually(t, "the pod is gone", func() (struct{}, error) {
		_, err := developers.Get(t.Context(), pod.GetName(), metav1.GetOptions{})
		return struct{}{}, expectNotFound(err)
	})
}
