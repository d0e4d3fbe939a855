package doctor

import (
	"slices"
	"testing"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var runningFaults = map[string][]fault{
	"replicas": {
		{name: "none and some are ready", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(webhookName).Status.ReadyReplicas = 0
			s.deployment(controllerName).Status.ReadyReplicas = 1
		}, want: []string{
			"error Deployment usher-system/usher-webhook: none of 2 replicas is ready: every request that usher is asked about is refused",
			"warning Deployment usher-system/usher-controller: 1 of 2 replicas are ready",
		}},
		{name: "one replica, and none", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(webhookName).Spec.Replicas = new(int32(1))
			s.deployment(controllerName).Spec.Replicas = new(int32(0))
		}, want: []string{
			"warning Deployment usher-system/usher-webhook: it has one replica: …",
			"error Deployment usher-system/usher-controller: it has no replica: …",
		}},
		{name: "one node", plant: func(_ *testing.T, s *Snapshot) {
			for _, p := range s.podsOf(webhookName) {
				p.Spec.NodeName = "node-1"
			}
		}, want: []string{"warning Deployment usher-system/usher-webhook: all 2 replicas run on node node-1: …"}},
		{name: "no Deployment", plant: func(_ *testing.T, s *Snapshot) { s.deployment(webhookName).Name = "other" }, want: []string{"error Deployment usher-system/usher-webhook: it is not there: every request that usher is asked about is refused"}},
		{name: "replicas of files are not ready yet", files: true, plant: func(_ *testing.T, s *Snapshot) { s.deployment(webhookName).Status.ReadyReplicas = 0 }},
	},
	"disruption-budget": {
		{name: "none", plant: func(_ *testing.T, s *Snapshot) {
			s.Budgets = slices.DeleteFunc(s.Budgets, func(b *policyv1.PodDisruptionBudget) bool { return b.Name == webhookName })
		}, want: []string{"warning Deployment usher-system/usher-webhook: no PodDisruptionBudget guards it: …"}},
		{name: "none for one replica", plant: func(_ *testing.T, s *Snapshot) {
			s.Budgets = nil
			for _, d := range s.Deployments {
				d.Spec.Replicas = new(int32(1))
			}
		}},
		{name: "all must stay, and none", plant: func(_ *testing.T, s *Snapshot) {
			find(s.Budgets, "usher-system", webhookName).Spec.MinAvailable = new(intstr.FromString("100%"))
			b := find(s.Budgets, "usher-system", controllerName)
			b.Spec.MinAvailable, b.Spec.MaxUnavailable, b.Spec.UnhealthyPodEvictionPolicy = nil, new(intstr.FromInt32(2)), nil
		}, want: []string{
			"warning PodDisruptionBudget usher-system/usher-webhook: it wants every replica of Deployment usher-webhook to stay: drains of their nodes never end",
			"warning PodDisruptionBudget usher-system/usher-controller: it lets a drain take every replica of Deployment usher-controller: …",
			"warning PodDisruptionBudget usher-system/usher-controller: it also guards pods that are not ready, …",
		}},
	},
	"readiness": {
		{name: "not ready, and no answer", plant: func(_ *testing.T, s *Snapshot) {
			a := answer(s, "usher-webhook-node-1")
			a.Ready, a.Detail = false, "the watches on namespaces and tenants are not in sync yet\npolicies 0c6f"
			answer(s, "usher-controller-node-1").Failure = "connection refused"
		}, want: []string{
			"warning Pod usher-system/usher-controller-node-1: it does not answer: connection refused",
			"error Pod usher-system/usher-webhook-node-1: it is not ready: the watches on namespaces and tenants are not in sync yet",
		}},
	},
	"stale-watch": {
		{name: "silent for long, for a while and always", plant: func(_ *testing.T, s *Snapshot) {
			answer(s, "usher-webhook-node-1").set(metricHeard, "resource", "namespaces", float64(now.Add(-3*time.Minute).Unix()))
			answer(s, "usher-webhook-node-1").set(metricHeard, "resource", "tenants", float64(now.Add(-time.Hour).Unix()))
			answer(s, "usher-webhook-node-2").set(metricHeard, "resource", "tenants", 0)
		}, want: []string{
			"warning Pod usher-system/usher-webhook-node-1: its watch on namespaces has been silent for 3 minutes",
			"error Pod usher-system/usher-webhook-node-1: its watch on tenants has been silent for 60 minutes: what it judges by may be old",
			"error Pod usher-system/usher-webhook-node-2: it has never heard of tenants",
		}},
	},
	"policy-failures": {{name: "one policy in two replicas", plant: func(_ *testing.T, s *Snapshot) {
		answer(s, "usher-webhook-node-1").set(metricFailures, "policy", "mine", 3)
		answer(s, "usher-webhook-node-2").set(metricFailures, "policy", "mine", 1)
		answer(s, "usher-webhook-node-2").set(metricFailures, "policy", "yours", 0)
	}, want: []string{"warning Deployment usher-system/usher-webhook: policy mine has given no verdict in usher-webhook-node-1, usher-webhook-node-2"}}},
	"agreement": {
		{name: "images, configurations and policies", plant: func(_ *testing.T, s *Snapshot) {
			pods := s.podsOf(webhookName)
			pods[0].Spec.Containers[0].Image = "usher-webhook:next"
			for i := range pods[0].Spec.Volumes {
				if v := &pods[0].Spec.Volumes[i]; v.Name == "config" {
					v.ConfigMap.Name = "usher-webhook-config-next"
				}
			}
			answer(s, pods[0].Name).Detail = "policies ffff"
		}, want: []string{
			"warning Deployment usher-system/usher-webhook: its replicas differ in their image: usher-webhook (usher-webhook-node-2), usher-webhook:next (usher-webhook-node-1)",
			"warning Deployment usher-system/usher-webhook: its replicas differ in their configuration: usher-webhook-config (usher-webhook-node-2), usher-webhook-config-next (usher-webhook-node-1)",
			"warning Deployment usher-system/usher-webhook: its replicas differ in their policies in force: 0c6f (usher-webhook-node-2), ffff (usher-webhook-node-1)",
		}},
		{name: "webhook and controller", plant: func(_ *testing.T, s *Snapshot) {
			s.deployment(controllerName).Spec.Template.Spec.Volumes[0].ConfigMap.Name = "own"
		}, want: []string{"error Deployment usher-system/usher-controller: it reads the configuration own, and usher-webhook reads usher-webhook-config: …"}},
	},
	"controller-leader": {
		{name: "no Lease", plant: func(_ *testing.T, s *Snapshot) { s.Leases = nil }, want: []string{"error Lease usher-system/usher-controller: it is not there: no usher-controller has ever led"}},
		{name: "an old one", plant: func(_ *testing.T, s *Snapshot) {
			s.Leases[0].Spec.RenewTime = &metav1.MicroTime{Time: now.Add(-5 * time.Minute)}
		}, want: []string{"error Lease usher-system/usher-controller: usher-controller-1 last renewed it 5 minutes ago: no usher-controller leads"}},
		{name: "given back", plant: func(_ *testing.T, s *Snapshot) { s.Leases[0].Spec.HolderIdentity = new("") }, want: []string{"error Lease usher-system/usher-controller: nobody holds it: no usher-controller leads"}},
	},
}
