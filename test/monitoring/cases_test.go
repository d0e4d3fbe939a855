package monitoring

import "fmt"

// alertCase is what makes an alert fire, and what comes close and does not. Series
// are in promtool's notation, one value a minute, from 1970 on.
type alertCase struct {
	alert        string
	at           string // when to look
	fires, quiet []string
}

const day = 86400 // in seconds

// series is one that has a value all the time.
func series(name string, value int) string { return fmt.Sprintf("%s %dx120", name, value) }

var cases = []alertCase{
	{
		"UsherWebhookDown", "10m",
		[]string{`up{job="usher-webhook",pod="a"} 0x20`},
		[]string{`up{job="usher-webhook",pod="a"} 0x20`, `up{job="usher-webhook",pod="b"} 1x20`},
	},
	{
		"UsherReplicaDown", "15m",
		[]string{`up{job="usher-controller",pod="a"} 0x20`},
		[]string{`up{job="usher-controller",pod="a"} 1x20`, `up{job="usher-agent",pod="n"} 0x20`},
	},
	{
		"UsherNoLeader", "10m",
		[]string{`leader_election_master_status{name="usher-controller",pod="a"} 0x20`, `leader_election_master_status{name="usher-controller",pod="b"} 0x20`},
		[]string{`leader_election_master_status{name="usher-controller",pod="a"} 0x20`, `leader_election_master_status{name="usher-controller",pod="b"} 1x20`},
	},
	// 2 % of the reviews end in an error; 1 % for longer than its windows allow is a
	// matter of the slow alert.
	{
		"UsherErrorBudgetBurnsFast", "2h",
		[]string{`usher_admission_duration_seconds_count{decision="error"} 0+2x120`, `usher_admission_duration_seconds_count{decision="allowed"} 0+98x120`},
		[]string{`usher_admission_duration_seconds_count{decision="error"} 0+0.5x120`, `usher_admission_duration_seconds_count{decision="allowed"} 0+99.5x120`},
	},
	{
		"UsherErrorBudgetBurnsSlowly", "4h",
		[]string{`usher_admission_duration_seconds_count{decision="error"} 0+0.5x240`, `usher_admission_duration_seconds_count{decision="allowed"} 0+99.5x240`},
		[]string{`usher_admission_duration_seconds_count{decision="error"} 0+0.05x240`, `usher_admission_duration_seconds_count{decision="allowed"} 0+99.95x240`},
	},
	{
		"UsherLatencyBudgetBurnsFast", "2h",
		[]string{`usher_admission_duration_seconds_count{decision="allowed"} 0+100x120`, `usher_admission_duration_seconds_bucket{decision="allowed",le="0.1"} 0+80x120`},
		[]string{`usher_admission_duration_seconds_count{decision="allowed"} 0+100x120`, `usher_admission_duration_seconds_bucket{decision="allowed",le="0.1"} 0+95x120`},
	},
	{
		"UsherLatencyBudgetBurnsSlowly", "4h",
		[]string{`usher_admission_duration_seconds_count{decision="allowed"} 0+100x240`, `usher_admission_duration_seconds_bucket{decision="allowed",le="0.1"} 0+95x240`},
		[]string{`usher_admission_duration_seconds_count{decision="allowed"} 0+1000x240`, `usher_admission_duration_seconds_bucket{decision="allowed",le="0.1"} 0+995x240`},
	},
	{
		"UsherWatchStale", "12m",
		[]string{`usher_watch_heard_timestamp_seconds{job="usher-extender",pod="a",resource="gpunodes"} 30x20`},
		[]string{`usher_watch_heard_timestamp_seconds{job="usher-extender",pod="a",resource="gpunodes"} 0+60x20`},
	},
	{
		"UsherCertificateExpiresSoon", "70m",
		[]string{series(`usher_certificate_expiry_timestamp_seconds{certificate="usher-webhook-tls",job="usher-controller"}`, 13*day)},
		[]string{series(`usher_certificate_expiry_timestamp_seconds{certificate="usher-webhook-tls",job="usher-controller"}`, 29*day)},
	},
	{
		"UsherCertificateExpires", "20m",
		[]string{series(`usher_certificate_expiry_timestamp_seconds{certificate="serving",job="usher-webhook"}`, day)},
		[]string{series(`usher_certificate_expiry_timestamp_seconds{certificate="serving",job="usher-webhook"}`, 3*day)},
	},
	{
		"UsherCertificateProblem", "10m",
		[]string{`usher_certificate_problem{certificate="serving",job="usher-webhook",pod="a",reason="expired"} 1x20`},
		[]string{`usher_certificate_problem{certificate="serving",job="usher-webhook",pod="a",reason="expired"} 0x20`},
	},
	{
		"UsherCertificatesNotKept", "20m",
		[]string{`usher_certificates_kept{pod="a"} 0x30`, `usher_certificates_kept{pod="b"} 0x30`},
		// The one that does not lead keeps none.
		[]string{`usher_certificates_kept{pod="a"} 0x30`, `usher_certificates_kept{pod="b"} 1x30`},
	},
	{
		"UsherAuthorityLost", "30m",
		[]string{`usher_authority_losses_total 0x10 1x30`},
		[]string{`usher_authority_losses_total 1x40`},
	},
	{
		"UsherPolicyFails", "25m",
		[]string{`usher_policy_failures_total{policy="image_registry",pod="a"} 0+1x30`},
		// Once is no trouble of the policy's.
		[]string{`usher_policy_failures_total{policy="image_registry",pod="a"} 0x10 1x30`},
	},
	{
		"UsherPoliciesNotReloaded", "20m",
		[]string{`usher_policy_reload_ok{pod="a"} 0x30`},
		[]string{`usher_policy_reload_ok{pod="a"} 0x5 1x30`},
	},
	{
		"UsherPolicySetsDiffer", "40m",
		[]string{`usher_policy_set_info{digest="x",pod="a"} 1x60`, `usher_policy_set_info{digest="y",pod="b"} 1x60`},
		[]string{`usher_policy_set_info{digest="x",pod="a"} 1x60`, `usher_policy_set_info{digest="x",pod="b"} 1x60`},
	},
	{
		"UsherLedgerContention", "40m",
		[]string{`usher_ledger_writes_total{job="usher-webhook",result="conflict"} 0+60x60`, `usher_ledger_writes_total{job="usher-webhook",result="written"} 0+30x60`},
		[]string{
			`usher_ledger_writes_total{job="usher-webhook",result="conflict"} 0+30x60`, `usher_ledger_writes_total{job="usher-webhook",result="written"} 0+60x60`,
			// Of few writes, many may meet a conflict.
			`usher_ledger_writes_total{job="usher-controller",result="conflict"} 0+1x60`, `usher_ledger_writes_total{job="usher-controller",result="written"} 0x60`,
		},
	},
	{
		"UsherReservationsUnanswered", "30m",
		[]string{`usher_ledger_reservations_total{outcome="late"} 0+1x60`, `usher_ledger_reservations_total{outcome="reserved"} 0+9x60`},
		// A denial is an answer.
		[]string{`usher_ledger_reservations_total{outcome="denied"} 0+9x60`, `usher_ledger_reservations_total{outcome="reserved"} 0+1x60`, `usher_ledger_reservations_total{outcome="late"} 0x60`},
	},
	{
		"UsherLedgerNotWritten", "35m",
		[]string{`usher_ledger_writes_total{job="usher-controller",result="failed"} 0+1x60`},
		[]string{`usher_ledger_writes_total{job="usher-controller",result="failed"} 0x60`, `usher_ledger_writes_total{job="usher-controller",result="conflict"} 0+5x60`},
	},
	{
		"UsherTenantOverLimit", "20m",
		[]string{`usher_tenant_gpu_units{tenant="vision",state="used"} 3x30`, `usher_tenant_gpu_units{tenant="vision",state="reserved"} 2x30`, `usher_tenant_gpu_units{tenant="vision",state="limit"} 4x30`},
		[]string{
			`usher_tenant_gpu_units{tenant="vision",state="used"} 3x30`, `usher_tenant_gpu_units{tenant="vision",state="reserved"} 1x30`, `usher_tenant_gpu_units{tenant="vision",state="limit"} 4x30`,
			// One without a limit.
			`usher_tenant_gpu_units{tenant="free",state="used"} 300x30`,
		},
	},
	{
		"UsherReconcileFails", "60m",
		[]string{`controller_runtime_reconcile_errors_total{job="usher-controller",controller="tenancy"} 0+1x90`},
		[]string{`controller_runtime_reconcile_errors_total{job="usher-controller",controller="tenancy"} 0x10 3x90`},
	},
	{
		"UsherExtenderFails", "25m",
		[]string{`usher_extender_duration_seconds_count{verb="filter",result="refused"} 0+2x40`, `usher_extender_duration_seconds_count{verb="filter",result="answered"} 0+98x40`},
		[]string{`usher_extender_duration_seconds_count{verb="filter",result="refused"} 0x40`, `usher_extender_duration_seconds_count{verb="filter",result="answered"} 0+98x40`},
	},
	{
		"UsherNodesWithoutReports", "20m",
		[]string{`usher_extender_nodes{state="missing",pod="a"} 2x30`, `usher_extender_nodes{state="missing",pod="b"} 2x30`},
		// Nodes without GPUs need no agent.
		[]string{`usher_extender_nodes{state="none",pod="a"} 50x30`, `usher_extender_nodes{state="missing",pod="a"} 0x30`, `usher_extender_nodes{state="lost",pod="a"} 0x30`},
	},
	{
		"UsherReportsStale", "20m",
		[]string{`usher_extender_nodes{state="stale",pod="a"} 1x30`},
		[]string{`usher_extender_nodes{state="stale",pod="a"} 0x30`, `usher_extender_nodes{state="ready",pod="a"} 9x30`},
	},
	{
		"UsherReportsNotWritten", "25m",
		[]string{`usher_agent_report_writes_total{pod="n",outcome="failed"} 0+1x40`, `usher_agent_report_writes_total{pod="n",outcome="written"} 7x40`},
		[]string{`usher_agent_report_writes_total{pod="n",outcome="failed"} 0+1x40`, `usher_agent_report_writes_total{pod="n",outcome="written"} 0+1x40`},
	},
	{
		"UsherProbeFails", "20m",
		[]string{`usher_agent_probe_success{pod="n",probe="links"} 0x30`},
		[]string{`usher_agent_probe_success{pod="n",probe="links"} 1x30`},
	},
	{
		"UsherGPUUnhealthy", "10m",
		[]string{`usher_agent_gpus{pod="n",health="Unhealthy"} 1x20`},
		[]string{`usher_agent_gpus{pod="n",health="Unhealthy"} 0x20`, `usher_agent_gpus{pod="n",health="Degraded"} 1x20`},
	},
	{
		"UsherPredictionsMiss", "100m",
		[]string{`usher_extender_predictions_total{result="wrong"} 0+1x120`, `usher_extender_predictions_total{result="exact"} 0+9x120`},
		// Another set of equals is as good, and few predictions say nothing.
		[]string{`usher_extender_predictions_total{result="wrong"} 0x120`, `usher_extender_predictions_total{result="equal"} 0+9x120`},
	},
}
