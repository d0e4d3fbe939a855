package dashboards

// scheduling is for whoever wants the fastest GPUs that are free.
func scheduling() Dashboard {
	return Dashboard{
		Name: "usher-scheduling", Title: "usher / GPU scheduling",
		About: "For ML engineers and whoever runs the GPU nodes: why pods go where they go, and whether predictions hold.",
		Rows: []Row{
			{
				{
					Title: "Nodes by the state of their report", Kind: Graph, Unit: Short,
					Queries: []Query{{`max by (state) (usher_extender_nodes)`, "{{state}}"}},
				},
				{
					Title: "GPUs by health", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum by (health) (usher_agent_gpus)`, "{{health}}"}},
				},
				{
					Title: "Predictions that came true", About: "Share of the containers that got the GPUs that were predicted, or others that are as good.", Kind: Graph, Unit: Share,
					Queries: []Query{{`sum by (result) (rate(usher_extender_predictions_total[1h])) / on () group_left () sum(rate(usher_extender_predictions_total[1h]))`, "{{result}}"}},
				},
			},
			{
				{
					Title: "Score of the best node", About: "Of each ranking, from 0 to 1.", Kind: Heat, Unit: Short,
					Queries: []Query{{`sum by (le) (increase(usher_extender_best_score_bucket[$__rate_interval]))`, "{{le}}"}},
				},
				{
					Title: "What the best nodes score, by term", About: "Means; a term is 1 where the node is as good as it can be. docs/extender.md says what each term looks at.", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum by (term) (rate(usher_extender_best_term_score_sum[$__rate_interval])) / sum by (term) (rate(usher_extender_best_term_score_count[$__rate_interval]))`, "{{term}}"}},
				},
				{
					Title: "Why nodes are left out", About: "topology: the links would not do; taken: too few GPUs are free.", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (cause) (rate(usher_extender_filtered_nodes_total[$__rate_interval]))`, "{{cause}}"}},
				},
			},
			{
				{
					Title: "Time to answer the scheduler", Kind: Graph, Unit: Seconds,
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le, verb) (rate(usher_extender_duration_seconds_bucket[$__rate_interval])))`, "{{verb}} median"},
						{`histogram_quantile(0.99, sum by (le, verb) (rate(usher_extender_duration_seconds_bucket[$__rate_interval])))`, "{{verb}} 99 %"},
					},
				},
				{
					Title: "Questions", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (verb, result) (rate(usher_extender_duration_seconds_count[$__rate_interval]))`, "{{verb}} {{result}}"}},
				},
				{
					Title: "Waiting for binds", About: "How long filters waited to see where the pods before were bound.", Kind: Graph, Unit: Seconds,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(usher_extender_bind_wait_seconds_bucket[$__rate_interval])))`, "99 %"}},
				},
				{
					Title: "Working out a node anew", Kind: Graph, Unit: Seconds,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le) (rate(usher_extender_node_update_seconds_bucket[$__rate_interval])))`, "99 %"}, {`sum(rate(usher_extender_node_update_seconds_count[$__rate_interval]))`, "nodes a second"}},
				},
			},
			{
				{
					Title: "Reports of agents", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (outcome) (rate(usher_agent_report_writes_total[$__rate_interval]))`, "{{outcome}}"}},
				},
				{
					Title: "Probes that fail", About: "Agents by what they could not read the last time.", Kind: Bars, Unit: Short,
					Queries: []Query{{`count by (probe) (usher_agent_probe_success == 0)`, "{{probe}}"}},
				},
				{
					Title: "Time that probes take", Kind: Graph, Unit: Seconds,
					Queries: []Query{{`histogram_quantile(0.99, sum by (le, probe) (rate(usher_agent_probe_duration_seconds_bucket[$__rate_interval])))`, "{{probe}} 99 %"}},
				},
			},
		},
	}
}
