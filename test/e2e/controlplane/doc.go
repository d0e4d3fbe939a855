// Package controlplane runs a real etcd and kube-apiserver on this machine, each
// with its own folder, certificates and ports, and a real kubectl against them.
package controlplane
