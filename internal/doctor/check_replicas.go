package doctor

import (
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// serving are usher's Deployments, with what their absence means.
var serving = []struct{ name, without string }{
	{webhookName, "every request that usher is asked about is refused"},
	{controllerName, "Tenants are not made true, and what tenants free stays counted"},
	{schedulerName, "pods with GPUs that are sent to it stay pending"},
}

var checkReplicas = &Check{
	ID:    "replicas",
	Title: "each part of usher has two ready replicas on two nodes",
	Why:   "A single replica, or all of them on one node, makes every drain, upgrade and crash of that node an outage.",
	Needs: []Kind{kindDeployments},
	Reads: []Kind{kindPods},
	run: func(s *Snapshot) (found []Finding) {
		for _, part := range serving {
			d := s.deployment(part.name)
			object := Object{"Deployment", s.Namespace, part.name}
			if d == nil {
				if part.name != schedulerName && s.installsUsher() { // that one, scheduler says
					found = append(found, errorOf(object, "apply usher's manifests", "it is not there: %s", part.without))
				}
				continue
			}
			found = append(found, s.replicaFindings(d, object, part.without)...)
		}
		return found
	},
}

func (s *Snapshot) replicaFindings(d *appsv1.Deployment, object Object, without string) (found []Finding) {
	wants := ptr.Deref(d.Spec.Replicas, 1)
	look := "see `kubectl -n " + s.Namespace + " get pods -l " + appLabel + "=" + d.Name + "` and the events and logs of those that are not ready"
	switch ready := d.Status.ReadyReplicas; {
	case wants == 0:
		found = append(found, errorOf(object, "set replicas to 2 or more", "it has no replica: %s", without))
	case s.Live && ready == 0:
		found = append(found, errorOf(object, look, "none of %s is ready: %s", plural(int(wants), "replica", "replicas"), without))
	case s.Live && ready < wants:
		found = append(found, warningOf(object, look, "%d of %d replicas are ready", ready, wants))
	}
	if wants == 1 {
		found = append(found, warningOf(object, "set replicas to 2 or more", "it has one replica: while that is moved, restarted or upgraded, %s", without))
	}
	nodes := map[string]bool{}
	running := 0
	for _, p := range s.podsOf(d.Name) {
		if p.Spec.NodeName != "" && p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning {
			nodes[p.Spec.NodeName] = true
			running++
		}
	}
	if running > 1 && len(nodes) == 1 {
		found = append(found, warningOf(object, "see whether another node has room for it, and delete one of the pods",
			"all %d replicas run on node %s: %s when it fails", running, slices.Collect(maps.Keys(nodes))[0], without))
	}
	return found
}
