package dashboards

// tenants is for whoever has pods with GPUs.
func tenants() Dashboard {
	return Dashboard{
		Name: "usher-tenants", Title: "usher / Tenants",
		About:     "For tenants: the GPUs that they hold, have reserved and were refused.",
		Variables: []Variable{{Name: "tenant", Metric: "usher_tenant_gpu_units", Label: "tenant", Multi: true}},
		Rows: []Row{
			{
				{
					Title: "GPUs held", Kind: Graph, Unit: Short,
					Queries: []Query{{`max by (tenant) (usher_tenant_gpu_units{tenant=~"$tenant",state="used"})`, "{{tenant}}"}},
				},
				{
					Title: "GPUs reserved", About: "By what was admitted and is not there yet. A reservation that nothing comes of lapses in about a minute.", Kind: Graph, Unit: Short,
					Queries: []Query{{`max by (tenant) (usher_tenant_gpu_units{tenant=~"$tenant",state="reserved"})`, "{{tenant}}"}},
				},
				{
					Title: "GPUs free", About: "Of the limit; below 0 where the limit was lowered. A tenant without a limit is not shown.", Kind: Bars, Unit: Short,
					Queries: []Query{{`max by (tenant) (usher_tenant_gpu_units{tenant=~"$tenant",state="limit"}) - on (tenant) sum by (tenant) (max by (tenant, state) (usher_tenant_gpu_units{tenant=~"$tenant",state=~"used|reserved"}))`, "{{tenant}}"}},
				},
			},
			{
				{
					Title: "Requests for GPUs", About: "Each pod or claim is one. Late and failed ones may be tried again.", Kind: Graph, Unit: PerSecond,
					Queries: []Query{{`sum by (tenant, outcome) (rate(usher_tenant_gpu_requests_total{tenant=~"$tenant"}[$__rate_interval]))`, "{{tenant}} {{outcome}}"}},
				},
				{
					Title: "Refused for the quota", About: "In the last day.", Kind: Bars, Unit: Short,
					Queries: []Query{{`sum by (tenant) (increase(usher_tenant_gpu_requests_total{tenant=~"$tenant",outcome="denied"}[1d]))`, "{{tenant}}"}},
				},
				{
					Title: "Share of the limit", Kind: Bars, Unit: Share, Thresholds: [2]float64{.8, 1},
					Queries: []Query{{`sum by (tenant) (max by (tenant, state) (usher_tenant_gpu_units{tenant=~"$tenant",state=~"used|reserved"})) / on (tenant) max by (tenant) (usher_tenant_gpu_units{tenant=~"$tenant",state="limit"})`, "{{tenant}}"}},
				},
			},
			{
				{
					Title: "Time to reserve", About: "That an admission of a pod with GPUs waits for the ledger, of all tenants.", Kind: Graph, Unit: Seconds,
					Queries: []Query{
						{`histogram_quantile(0.5, sum by (le) (rate(usher_ledger_reserve_seconds_bucket[$__rate_interval])))`, "median"},
						{`histogram_quantile(0.99, sum by (le) (rate(usher_ledger_reserve_seconds_bucket[$__rate_interval])))`, "99 %"},
					},
				},
				{
					Title: "Requests that share a write", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum(rate(usher_ledger_batch_size_sum[$__rate_interval])) / sum(rate(usher_ledger_batch_size_count[$__rate_interval]))`, "mean"}},
				},
				{
					Title: "Reservations that lapsed", About: "Nothing came of what was admitted: another webhook refused it, or its client was gone.", Kind: Graph, Unit: Short,
					Queries: []Query{{`sum(increase(usher_ledger_expiries_total[$__rate_interval]))`, "lapsed"}},
				},
			},
		},
	}
}
