package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

// Store keeps the node's GPUNode.
type Store interface {
	// Read returns what is stored, nil if nothing is.
	Read(context.Context) (*v1alpha1.GPUNode, error)
	// Write stores a report over what was read or written last. It returns
	// ErrChanged when that is no longer what is stored.
	Write(context.Context, *v1alpha1.GPUNode) error
}

// ErrChanged says that somebody else has written: read again.
var ErrChanged = errors.New("the GPUNode has changed")

// storeTimeout bounds one request.
const storeTimeout = 10 * time.Second

// APIServer keeps the GPUNode in the Kubernetes API.
type APIServer struct {
	node     string
	gpunodes rest.Interface
	nodes    metadata.Interface

	// version is the resourceVersion of what is stored, empty if nothing is.
	version string
}

var _ Store = (*APIServer)(nil)

// NewAPIServer returns the store of a node's GPUNode. It asks nothing yet.
func NewAPIServer(cfg *rest.Config, node string) (*APIServer, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register kinds: %w", err)
	}
	ours := rest.CopyConfig(cfg)
	ours.APIPath, ours.GroupVersion = "/apis", &v1alpha1.GroupVersion
	ours.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	gpunodes, err := rest.RESTClientFor(ours)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	nodes, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &APIServer{node: node, gpunodes: gpunodes, nodes: nodes}, nil
}

// Read gets the GPUNode.
func (s *APIServer) Read(ctx context.Context) (*v1alpha1.GPUNode, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	stored := &v1alpha1.GPUNode{}
	err := s.gpunodes.Get().Resource("gpunodes").Name(s.node).Do(ctx).Into(stored)
	if apierrors.IsNotFound(err) {
		s.version = ""
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.version = stored.ResourceVersion
	return stored, nil
}

// Write updates the status of the GPUNode, which it first creates if need be.
func (s *APIServer) Write(ctx context.Context, report *v1alpha1.GPUNode) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if s.version == "" {
		if err := s.create(ctx); err != nil {
			return err
		}
	}
	stored := &v1alpha1.GPUNode{}
	next := report.DeepCopy()
	next.ResourceVersion = s.version
	err := s.gpunodes.Put().Resource("gpunodes").Name(s.node).SubResource("status").Body(next).Do(ctx).Into(stored)
	switch {
	case err == nil:
		s.version = stored.ResourceVersion
		return nil
	// Invalid, because a newer report of the same boot is stored.
	case apierrors.IsConflict(err), apierrors.IsNotFound(err), apierrors.IsInvalid(err):
		s.version = ""
		return fmt.Errorf("%w: %w", ErrChanged, err)
	default:
		return err
	}
}

// create makes the GPUNode, owned by its Node, with which it goes.
func (s *APIServer) create(ctx context.Context) error {
	node, err := s.nodes.Resource(corev1.SchemeGroupVersion.WithResource("nodes")).Get(ctx, s.node, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find the Node that owns it: %w", err)
	}
	empty := &v1alpha1.GPUNode{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GPUNode"},
		ObjectMeta: metav1.ObjectMeta{
			Name:            s.node,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}},
		},
	}
	created := &v1alpha1.GPUNode{}
	err = s.gpunodes.Post().Resource("gpunodes").Body(empty).Do(ctx).Into(created)
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err != nil {
		return fmt.Errorf("create it: %w", err)
	}
	s.version = created.ResourceVersion
	return nil
}
