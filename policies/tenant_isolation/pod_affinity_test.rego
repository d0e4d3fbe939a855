package usher.tenant_isolation_test

import data.usher.tenant_isolation

_repel(term) := {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}

_attract(term) := {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
	"weight": 1,
	"podAffinityTerm": term,
}]}}}

test_selector_of_all_namespaces_is_refused if {
	tenant_isolation.deny == {{
		"check": "pod-affinity",
		"msg": concat("", [
			`namespaceSelector {} reaches other tenants' namespaces; `,
			`leave it out or match label "tenant=tenant-a"`,
		]),
		"path": "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0/namespaceSelector",
	}} with input as _hard(_repel({"topologyKey": "zone", "namespaceSelector": {}}))
}

test_other_namespaces_are_refused if {
	tenant_isolation.deny == {{
		"check": "pod-affinity",
		"msg": `namespace "others" is not the pod's own; leave namespaces out`,
		"path": "/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm/namespaces/1",
	}} with input as _hard(_attract({"topologyKey": "zone", "namespaces": ["apps", "others"]}))
}

test_terms_that_reach_others[note] if {
	some note, term in {
		"another tenant": {"namespaceSelector": {"matchLabels": {"tenant": "tenant-b"}}},
		"another label": {"namespaceSelector": {"matchLabels": {"team": "tenant-a"}}},
		"own or another": {"namespaceSelector": {"matchExpressions": [{
			"key": "tenant",
			"operator": "In",
			"values": ["tenant-a", "tenant-b"],
		}]}},
		"any tenant": {"namespaceSelector": {"matchExpressions": [{"key": "tenant", "operator": "Exists"}]}},
		"not own": {"namespaceSelector": {"matchExpressions": [{
			"key": "tenant",
			"operator": "NotIn",
			"values": ["tenant-a"],
		}]}},
		"selector of another type": {"namespaceSelector": "all"},
		"namespaces of another type": {"namespaces": "others"},
		"a namespace of another type": {"namespaces": [7]},
		"a term of another type": "all",
	}
	repelled := tenant_isolation.deny with input as _hard(_repel(term))
	_checks(repelled) == {"pod-affinity"}
	attracted := tenant_isolation.deny with input as _hard(_attract(term))
	_checks(attracted) == {"pod-affinity"}
}

test_terms_among_own_pods[note] if {
	some note, term in {
		"own namespace": {"labelSelector": {"matchLabels": {"app": "web"}}},
		"own namespace by name": {"namespaces": ["apps"]},
		"nothing set": {"namespaces": [], "namespaceSelector": null},
		"own namespaces by label": {"namespaceSelector": {"matchLabels": {"tenant": "tenant-a", "stage": "test"}}},
		"own namespaces by expression": {"namespaceSelector": {"matchExpressions": [
			{"key": "stage", "operator": "Exists"},
			{"key": "tenant", "operator": "In", "values": ["tenant-a"]},
		]}},
	}
	tenant_isolation.deny == set() with input as _hard(_repel(term))
	tenant_isolation.deny == set() with input as _hard(_attract(term))
}

test_lists_of_another_type_are_refused[note] if {
	some note, tc in {
		"podAffinity": {"affinity": {"podAffinity": "x"}, "path": "/spec/affinity/podAffinity", "wanted": "an object"},
		"terms": {
			"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
			"path": "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution",
			"wanted": "a list",
		},
		"a preferred term": {
			"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [1]}},
			"path": "/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0",
			"wanted": "an object",
		},
	}
	tenant_isolation.deny == {{
		"check": "pod-affinity",
		"msg": sprintf("this has to be %s", [tc.wanted]),
		"path": tc.path,
	}} with input as _hard({"affinity": tc.affinity})
}

test_pods_without_a_tenant_may_reach_other_namespaces if {
	tenant_isolation.deny == set() with input as _tenantless(_repel({"namespaceSelector": {}}))
}

test_template_may_not_reach_others if {
	denied := tenant_isolation.deny with input as _template(_soft_tenant, _repel({"namespaceSelector": {}}))
	_checks(denied) == {"pod-affinity"}
}

test_update_that_keeps_pod_affinity_passes if {
	bad := _repel({"namespaceSelector": {}})
	tenant_isolation.deny == set() with input as _update(_hard_tenant, bad, bad)
}
