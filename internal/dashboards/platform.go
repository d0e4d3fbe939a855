package dashboards

// platform is for whoever keeps the cluster up.
func platform() Dashboard {
	return Dashboard{
		Name: "usher-platform", Title: "usher / Availability",
		About: "For platform engineers: whether usher answers, how fast, and what will end that.",
		Rows: []Row{
			{
				{
					Title: "Reviews without a verdict", About: "Share of the last hour; 0.1 % may.", Kind: Stat, Unit: Share, Thresholds: [2]float64{.001, .0144},
					Queries: []Query{{`usher:admission_errors:ratio_rate1h or vector(0)`, "errors"}},
				},
				{
					Title: "Slow reviews", About: "Share of the last hour that took longer than 0.1 s; 1 % may.", Kind: Stat, Unit: Share, Thresholds: [2]float64{.01, .144},
					Queries: []Query{{`usher:admission_slow:ratio_rate1h or vector(0)`, "slow"}},
				},
				{
					Title: "Replicas that are down", Kind: Stat, Unit: Short, Thresholds: [2]float64{1, 2},
					Queries: []Query{{`count(up{job=~"usher-webhook|usher-controller|usher-extender"} == 0) or vector(0)`, "down"}},
				},
				{
					Title: "First certificate to expire", Kind: Stat, Unit: Seconds,
					Queries: []Query{{`min(usher_certificate_expiry_timestamp_seconds - time())`, "left"}},
				},
				{
					Title: "Leaders", About: "Of usher-controller; one.", Kind: Stat, Unit: Short,
					Queries: []Query{{`sum(leader_election_master_status{name="usher-controller"})`, "leaders"}},
				},
			},
			{
				{
					Title: "Reviews", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (webhook, decision) (rate(usher_admission_duration_seconds_count[$__rate_interval]))`, "{{webhook}} {{decision}}"}},
				},
				{
					Title: "Time to answer", Kind: Graph, Unit: Seconds,
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le, webhook) (rate(usher_admission_duration_seconds_bucket[$__rate_interval])))`, "{{webhook}} median"},
						{`histogram_quantile(0.99, sum by (le, webhook) (rate(usher_admission_duration_seconds_bucket[$__rate_interval])))`, "{{webhook}} 99 %"},
					},
				},
				{
					Title: "In flight", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum by (webhook) (usher_admission_in_flight)`, "{{webhook}}"}},
				},
			},
			{
				{
					Title: "Silence of watches", About: "Since the API server last sent something; about a minute where nothing happens.", Kind: Graph, Unit: Seconds,
					Queries: []Query{{`max by (job, resource) (time() - usher_watch_heard_timestamp_seconds)`, "{{job}} {{resource}}"}},
				},
				{
					Title: "Writes of ledgers", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (job, result) (rate(usher_ledger_writes_total[$__rate_interval]))`, "{{job}} {{result}}"}},
				},
				{
					Title: "Certificates", About: "Time left.", Kind: Bars, Unit: Seconds,
					Queries: []Query{{`min by (job, certificate) (usher_certificate_expiry_timestamp_seconds - time())`, "{{job}} {{certificate}}"}},
				},
			},
			{
				{
					Title: "Controller", About: "Rounds that failed, by what they were of.", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (controller) (rate(controller_runtime_reconcile_errors_total[$__rate_interval]))`, "{{controller}} errors"}, {`sum by (controller) (rate(controller_runtime_reconcile_total[$__rate_interval]))`, "{{controller}}"}},
				},
				{
					Title: "Memory", Kind: Graph, Unit: Bytes,
					Queries: []Query{{`max by (job, pod) (process_resident_memory_bytes{job=~"usher-webhook|usher-controller|usher-extender"})`, "{{pod}}"}},
				},
				{
					Title: "Versions", Kind: Table, Unit: Short,
					Queries: []Query{{`count by (job, version) (usher_build_info)`, ""}},
				},
			},
		},
	}
}
