package webhook

// replicated are the kinds that say how many pods they make of a template.
var replicated = map[groupKind]struct {
	// template is where the template stands, count tells its pods from what
	// stands around it.
	template string
	count    func(object map[string]any) int64
}{
	{"", "ReplicationController"}: {"/spec/template", specReplicas},
	{"apps", "Deployment"}:        {"/spec/template", specReplicas},
	{"apps", "ReplicaSet"}:        {"/spec/template", specReplicas},
	{"apps", "StatefulSet"}:       {"/spec/template", specReplicas},
	{"batch", "Job"}:              {"/spec/template", func(object map[string]any) int64 { return jobPods(member(object, "spec")) }},
	{"batch", "CronJob"}: {"/spec/jobTemplate/spec/template", func(object map[string]any) int64 {
		return jobPods(member(member(member(object, "spec"), "jobTemplate"), "spec"))
	}},
}

// replicasOf is how many pods an object makes at once of its template at a path;
// 1 where its kind does not say.
func replicasOf(kind groupKind, object map[string]any, path string) int64 {
	r, ok := replicated[kind]
	if !ok || r.template != path {
		return 1
	}
	return max(0, r.count(object))
}

func specReplicas(object map[string]any) int64 {
	return orOne(member(member(object, "spec"), "replicas"))
}

// jobPods is how many pods of a Job run at once: its parallelism, and never more
// than it needs to complete.
func jobPods(spec any) int64 {
	pods := orOne(member(spec, "parallelism"))
	if completions, ok := integer(member(spec, "completions")); ok {
		pods = min(pods, completions)
	}
	return pods
}

// orOne reads a number; Kubernetes' default for the number of pods is 1.
func orOne(v any) int64 {
	if n, ok := integer(v); ok {
		return n
	}
	return 1
}
