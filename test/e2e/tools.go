//go:build tools

// Package e2e holds the tests on a real control plane. This file pins the
// programs that they run, one import each: tools/control-plane builds them from
// this list, each named after the last part of its path.
package e2e

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
	_ "sigs.k8s.io/kwok/cmd/kwok"

	_ "usher.dev/usher/test/e2e/etcd"
)
