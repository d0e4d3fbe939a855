package dashboards

// policies is for whoever writes policies.
func policies() Dashboard {
	return Dashboard{
		Name: "usher-policies", Title: "usher / Policies",
		About:     "For policy authors: what each policy finds in real traffic, before and after it denies anyone.",
		Variables: []Variable{{Name: "policy", Metric: "usher_policy_evaluations_total", Label: "policy", Multi: true}},
		Rows: []Row{
			{
				{
					Title: "Findings", About: "By what became of them: in mode audit nobody is told.", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (policy, action) (rate(usher_policy_findings_total{policy=~"$policy"}[$__rate_interval]))`, "{{policy}} {{action}}"}},
				},
				{
					Title: "Checks that deny most", About: "In the last day.", Kind: Bars, Unit: Short,
					Queries: []Query{{`topk(15, sum by (policy, check) (increase(usher_policy_findings_total{policy=~"$policy",action="denied"}[1d])))`, "{{policy}}/{{check}}"}},
				},
			},
			{
				{
					Title: "What would be denied", About: "Findings of the last day that were told or logged and denied nothing: what enforcing the policy would deny.", Kind: Bars, Unit: Short,
					Queries: []Query{{`topk(15, sum by (policy, check) (increase(usher_policy_findings_total{policy=~"$policy",action=~"warned|audited"}[1d])))`, "{{policy}}/{{check}}"}},
				},
				{
					Title: "Evaluations without a verdict", About: "Where the policy is enforced, they deny.", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (policy) (rate(usher_policy_failures_total{policy=~"$policy"}[$__rate_interval]))`, "{{policy}}"}},
				},
			},
			{
				{
					Title: "Questions", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (policy) (rate(usher_policy_evaluations_total{policy=~"$policy"}[$__rate_interval]))`, "{{policy}}"}},
				},
				{
					Title: "Answers that were remembered", About: "A policy that reads little of its input is remembered more often.", Kind: Graph, Unit: Share,
					Queries: []Query{{`sum by (policy) (rate(usher_policy_evaluations_total{policy=~"$policy",source="cache"}[$__rate_interval])) / sum by (policy) (rate(usher_policy_evaluations_total{policy=~"$policy"}[$__rate_interval]))`, "{{policy}}"}},
				},
				{
					Title: "Policy sets in force", About: "By digest; more than one only while a change is rolled out.", Kind: Table, Unit: Short,
					Queries: []Query{{`count by (digest) (usher_policy_set_info)`, ""}},
				},
				{
					Title: "Reloads", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum by (result) (increase(usher_policy_reloads_total[$__rate_interval]))`, "{{result}}"}, {`min(usher_policy_reload_ok)`, "newest in force"}},
				},
			},
		},
	}
}
