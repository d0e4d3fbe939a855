package fakenode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Kubelets watch pods for all nodes of a cluster and hand each the devices of
// the node that it is bound to, in the order in which they were bound.
type Kubelets struct {
	client kubernetes.Interface
	nodes  map[string]*Node

	mutex   sync.Mutex
	refused []string
}

// Run starts watching for nodes, until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface, nodes ...*Node) (*Kubelets, error) {
	k := &Kubelets{client: client, nodes: map[string]*Node{}}
	for _, n := range nodes {
		k.nodes[n.name] = n
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = "spec.nodeName!="
	}))
	pods := factory.Core().V1().Pods().Informer()
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.sync(ctx, object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { k.sync(ctx, object.(*corev1.Pod)) },
		DeleteFunc: k.gone,
	}); err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced) {
		return nil, errors.New("the pods of the nodes could not be listed")
	}
	return k, nil
}

func (k *Kubelets) sync(ctx context.Context, pod *corev1.Pod) {
	node := k.nodes[pod.Spec.NodeName]
	if node == nil {
		return
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		node.release(pod)
		return
	}
	if err := node.admit(pod); err != nil {
		k.refuse(ctx, pod, err)
	}
}

func (k *Kubelets) gone(object any) {
	if missed, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = missed.Obj
	}
	pod := object.(*corev1.Pod)
	if node := k.nodes[pod.Spec.NodeName]; node != nil {
		node.release(pod)
	}
}

// refuse fails a pod, as the kubelet does when devices cannot be handed out.
func (k *Kubelets) refuse(ctx context.Context, pod *corev1.Pod, cause error) {
	k.mutex.Lock()
	k.refused = append(k.refused, fmt.Sprintf("%s/%s on %s: %v", pod.Namespace, pod.Name, pod.Spec.NodeName, cause))
	k.mutex.Unlock()
	failed := pod.DeepCopy()
	failed.Status.Phase = corev1.PodFailed
	failed.Status.Reason = "UnexpectedAdmissionError"
	failed.Status.Message = "Pod was rejected: Allocate failed due to " + cause.Error() + ", which is unexpected"
	failed.ResourceVersion = ""
	if _, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, failed, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		k.mutex.Lock()
		k.refused = append(k.refused, fmt.Sprintf("tell of %s/%s: %v", pod.Namespace, pod.Name, err))
		k.mutex.Unlock()
	}
}

// Refused are the pods that got no devices on the node that they were bound to,
// and why.
func (k *Kubelets) Refused() []string {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return slices.Clone(k.refused)
}
