// Package extender ranks nodes for kube-scheduler by the GPUs that usher-agent
// reports: it filters, prioritizes and chooses victims over HTTP as
// k8s.io/kube-scheduler/extender/v1 puts it on the wire, and explains what it
// answered.
package extender
