//go:build linux

package node_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/node"
)

// container is what a test wants of one container of a pod.
type container struct {
	// resource and size are of the devices; size may be 0.
	resource string
	size     int
	// init says that it runs, and ends, before the pod's other containers.
	init bool
	// sidecar says that it starts before them and stays.
	sidecar bool
	// done says that it ends at once.
	done bool
}

// holds says that the container has its devices for as long as the pod is there.
func (c container) holds() bool { return c.size > 0 && !c.init && !c.done }

func (c container) spec(pod, name string) corev1.Container {
	spec := corev1.Container{
		Name: name, Image: node.Image, ImagePullPolicy: corev1.PullNever,
		Env: []corev1.EnvVar{{Name: podVariable, Value: pod}, {Name: containerVariable, Value: name}},
	}
	if c.size > 0 {
		spec.Resources.Limits = corev1.ResourceList{corev1.ResourceName(c.resource): *resource.NewQuantity(int64(c.size), resource.DecimalSI)}
	}
	if c.init || c.done {
		spec.Args = []string{"done"}
	}
	if c.sidecar {
		spec.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	}
	return spec
}

// containerName is the name of a pod's container by its place.
func containerName(i int) string { return fmt.Sprintf("c%d", i) }

// createPod makes a pod that is bound to the node already.
func (c *cluster) createPod(ctx context.Context, name string, containers ...container) (uid string, err error) {
	grace := int64(5)
	no := false
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeName:                      nodeName,
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: &grace,
			AutomountServiceAccountToken:  &no,
			EnableServiceLinks:            &no,
			DNSPolicy:                     corev1.DNSDefault,
		},
	}
	for i, wanted := range containers {
		spec := wanted.spec(name, containerName(i))
		if wanted.init || wanted.sidecar {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
		} else {
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
		}
	}
	created, err := c.client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return string(created.UID), nil
}

func (c *cluster) deletePod(ctx context.Context, name string) error {
	return c.client.CoreV1().Pods("default").Delete(ctx, name, metav1.DeleteOptions{})
}

// phase is how far a pod has come; empty when it is gone.
func (c *cluster) phase(ctx context.Context, name string) (corev1.PodPhase, string, error) {
	pod, err := c.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return pod.Status.Phase, pod.Status.Reason + ": " + pod.Status.Message, nil
}
