//go:build tools

// Package e2e holds the tests on a real control plane. This file pins the
// control plane's own commands, which the tests build and run.
package e2e

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
