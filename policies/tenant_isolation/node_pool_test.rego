package usher.tenant_isolation_test

import data.usher.tenant_isolation

test_hard_pod_without_the_pools_selector_is_refused if {
	tenant_isolation.deny == {{
		"check": "node-pool",
		"msg": `the pod is not bound to its tenant's pool; add node selector "tenant=tenant-a"`,
		"path": "/spec/nodeSelector/tenant",
	}} with input as _create(_hard_tenant, {"nodeSelector": {"disk": "ssd"}})
}

test_soft_pod_without_required_affinity_is_refused[note] if {
	some note, spec in {
		"no affinity": {},
		"null": {"affinity": null},
		"null required": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": null}}},
	}
	tenant_isolation.deny == {{
		"check": "node-pool",
		"msg": concat("", [
			"the pod may run in other tenants' pools; ",
			"require node affinity to tenant DoesNotExist, or tenant In [tenant-a]",
		]),
		"path": "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
	}} with input as _create(_soft_tenant, spec)
}

_terms(terms) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}

test_every_ored_term_has_to_keep_out if {
	tenant_isolation.deny == {{
		"check": "node-pool",
		"msg": concat("", [
			"this term lets the pod run in other tenants' pools; ",
			"add to it tenant DoesNotExist, or tenant In [tenant-a]",
		]),
		"path": concat("", [
			"/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
			"/nodeSelectorTerms/1",
		]),
	}} with input as _create(_soft_tenant, _terms([
		{"matchExpressions": [{"key": "tenant", "operator": "DoesNotExist"}]},
		{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z1"]}]},
	]))
}

test_terms_that_keep_out[note] if {
	some note, terms in {
		"unmarked nodes": [{"matchExpressions": [{"key": "tenant", "operator": "DoesNotExist", "values": []}]}],
		"own pool, and a zone": [{"matchExpressions": [
			{"key": "zone", "operator": "In", "values": ["z1"]},
			{"key": "tenant", "operator": "In", "values": ["tenant-a"]},
		]}],
		"one node, unmarked": [{
			"matchExpressions": [{"key": "tenant", "operator": "DoesNotExist"}],
			"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}],
		}],
		"an empty term matches no node": [{}, {"matchExpressions": []}],
		"no term matches no node": [],
	}
	tenant_isolation.deny == set() with input as _create(_soft_tenant, _terms(terms))
}

test_terms_that_do_not_keep_out[note] if {
	some note, term in {
		"NotIn knows no tenant to come": {"matchExpressions": [{"key": "tenant", "operator": "NotIn", "values": ["tenant-b"]}]},
		"one node": {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
		"DoesNotExist of another key": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
	}
	denied := tenant_isolation.deny with input as _create(_soft_tenant, _terms([term]))
	_checks(denied) == {"node-pool"}
}

test_term_that_leads_out_is_refused_once if {
	denied := tenant_isolation.deny with input as _create(_soft_tenant, _terms([
		{"matchExpressions": [{"key": "tenant", "operator": "In", "values": ["tenant-b"]}]},
		{"matchExpressions": [{"key": "tenant", "operator": "Exists"}]},
	]))
	_checks(denied) == {"node-affinity"}
	count(denied) == 2
}

test_templates_are_bound_when_their_pods_are_made[note] if {
	some note, tenant in {"Hard": _hard_tenant, "Soft": _soft_tenant}
	tenant_isolation.deny == set() with input as _template(tenant, {})
}

test_without_a_pool_nothing_is_bound if {
	tenant_isolation.deny == set() with input as _poolless({})
	tenant_isolation.deny == set() with input as _tenantless({})
}

test_pods_from_before_their_tenant_may_be_updated[note] if {
	some note, tenant in {"Hard": _hard_tenant, "Soft": _soft_tenant}
	tenant_isolation.deny == set() with input as _update(tenant, {}, {})
}

test_update_may_not_unbind[note] if {
	some note, request in {
		"Hard": _update(_hard_tenant, {"nodeSelector": {"tenant": "tenant-a"}}, {}),
		"Soft": _update(_soft_tenant, {"affinity": _kept_out}, {}),
	}
	denied := tenant_isolation.deny with input as request
	_checks(denied) == {"node-pool"}
}

test_soft_pool_with_its_own_labels if {
	pool := {"nodePool": {"isolation": "Soft", "nodeSelector": {"pool": "gold"}}}
	tenant_isolation.deny == set() with input as _create(pool, _terms([
		{"matchExpressions": [{"key": "pool", "operator": "DoesNotExist"}, {"key": "tenant", "operator": "DoesNotExist"}]},
		{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["gold"]}]},
	]))
	denied := tenant_isolation.deny with input as _create(pool, _terms([{"matchExpressions": [
		{"key": "tenant", "operator": "DoesNotExist"},
	]}]))
	_checks(denied) == {"node-pool"}
}
