// Package singlenode runs a whole Kubernetes cluster on this machine: etcd, an API
// server with everything it has by default, all controllers, kube-scheduler, and
// one real node with kube-proxy, whose kubelet hands out GPUs that are not there.
// Pods really run there, from images that no registry holds, with the service
// accounts, Services and security contexts that their manifests say.
//
// Nothing enforces NetworkPolicies there: its network plugin, ptp, knows none.
//
// As with package node, everything ends with the process that Isolate has started.
package singlenode
