package main

// schedule is how much is measured.
type schedule struct {
	rounds int
	// pods are created in each round of each workload, by so many clients.
	pods, clients int
	// held are the pods that the tenant with the full ledger has already.
	held int
	// each and count are how long and how often each Go benchmark runs.
	each  string
	count int
}

func scheduleOf(quick bool) schedule {
	if quick {
		return schedule{rounds: 1, pods: 40, clients: 8, held: 20, each: "100x", count: 1}
	}
	return schedule{rounds: 5, pods: 1000, clients: 64, held: 1000, each: "1s", count: 5}
}

// workload is pods that are created in the namespaces of tenants.
type workload struct {
	name, what string
	// tenants of this workload, each with a namespace of its name.
	tenants []string
	gpus    int64
	// unjudged is without usher's registration.
	unjudged bool
	// refused says that the tenants have no room.
	refused bool
	// crowded says that the tenant holds GPUs already.
	crowded bool
}

// workloads are those that are compared, the yardstick first.
var workloads = []workload{
	{name: "no usher", what: "pods of one GPU, no webhook registered", tenants: []string{"none"}, gpus: 1, unjudged: true},
	{name: "no GPU", what: "pods without GPUs: every policy judges, no ledger is asked", tenants: []string{"plain"}},
	{name: "one GPU", what: "pods of one GPU each of one tenant: all are reserved in its one ledger", tenants: []string{"one"}, gpus: 1},
	{name: "one GPU, full ledger", what: "the same of a tenant that holds GPUs in many pods already", tenants: []string{"full"}, gpus: 1, crowded: true},
	{
		name: "one GPU, eight tenants", what: "the same of eight tenants in turn, each with a ledger of its own", gpus: 1,
		tenants: []string{"of-eight-0", "of-eight-1", "of-eight-2", "of-eight-3", "of-eight-4", "of-eight-5", "of-eight-6", "of-eight-7"},
	},
	{name: "no room", what: "pods of one GPU of a tenant that has none left: each is refused on the ledger as it is", tenants: []string{"broke"}, gpus: 1, refused: true},
}
