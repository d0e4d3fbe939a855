package certs

import (
	"context"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// watched are the kinds of webhook configurations.
var watched = []schema.GroupVersionResource{
	admissionregistrationv1.SchemeGroupVersion.WithResource("mutatingwebhookconfigurations"),
	admissionregistrationv1.SchemeGroupVersion.WithResource("validatingwebhookconfigurations"),
}

// Watch wakes the keeper when one of its Secrets or a webhook configuration
// changes, until the context ends. It learns that something changed and not what:
// no Secret is read. Each Secret is watched by its name, so that the right to
// watch need not be wider. The channel holds one wake-up at most.
func (k *Keeper) Watch(ctx context.Context, c metadata.Interface, wake chan<- struct{}) {
	var watches sync.WaitGroup
	defer watches.Wait()
	watch := func(kind schema.GroupVersionResource, namespace string, narrow func(*metav1.ListOptions)) {
		informer := metadatainformer.NewFilteredMetadataInformer(c, kind, namespace, 0, nil, narrow).Informer()
		// It may be added to in this state alone, and is.
		_, _ = informer.AddEventHandler(changes(wake))
		watches.Go(func() { informer.RunWithContext(ctx) })
	}
	for _, kind := range watched {
		watch(kind, metav1.NamespaceAll, nil)
	}
	for _, name := range k.secrets() {
		watch(corev1.SchemeGroupVersion.WithResource("secrets"), k.Namespace, func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		})
	}
}

// secrets are the names of all that the keeper writes.
func (k *Keeper) secrets() []string {
	names := []string{k.Secret}
	for _, leaf := range k.Leaves {
		names = append(names, leaf.Name)
	}
	return names
}

// changes wakes for whatever happens.
func changes(wake chan<- struct{}) cache.ResourceEventHandler {
	tell := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		UpdateFunc: func(any, any) { tell() },
		DeleteFunc: func(any) { tell() },
	}
}
