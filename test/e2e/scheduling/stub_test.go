package scheduling

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const agentName = "usher"

type extender struct{}

func (*extender) release() {}

type agent struct{}

func (*agent) release() {}

func (c *cluster) startGPUScheduler(ctx context.Context, objects []*unstructured.Unstructured) error {
	return nil
}

func (f *fleet) startAgentOf(t *testing.T, name, folder string, flags ...string) {}
