package usher.lib.tenants_test

import data.usher.lib.tenants

test_label_is_the_configured_one if {
	tenants.label == "team" with input as {"config": {"tenant_label": "team"}}
}

test_label_defaults_to_tenant[note] if {
	some note, config in {
		"nothing configured": {},
		"empty": {"config": {"tenant_label": ""}},
		"not a string": {"config": {"tenant_label": 7}},
	}
	tenants.label == "tenant" with input as config
}

test_no_tenant_has_no_name_and_no_pool if {
	not tenants.name with input as {}
	not tenants.pool with input as {}
	not tenants.missing with input as {}
}

test_a_tenant_with_metadata_alone_is_missing if {
	tenants.missing with input as {"tenant": {"metadata": {"name": "ghost"}}}
	not tenants.pool with input as {"tenant": {"metadata": {"name": "ghost"}}}
}

test_a_declared_tenant_is_not_missing[note] if {
	some note, tenant in {
		"empty spec": {"metadata": {"name": "a"}, "spec": {}},
		"no spec at all": {"kind": "Tenant", "metadata": {"name": "a"}},
	}
	not tenants.missing with input as {"tenant": tenant}
}

test_pool[note] if {
	some note, tc in {
		"an empty pool has every default": {
			"given": {},
			"want": {
				"isolation": "Hard",
				"selector": {"tenant": "a"},
				"taint": {"effect": "NoSchedule", "key": "tenant", "value": "a"},
			},
		},
		"all is given": {
			"given": {
				"isolation": "Soft",
				"nodeSelector": {"pool": "gold"},
				"taint": {"key": "dedicated", "value": "gold", "effect": "NoExecute"},
			},
			"want": {
				"isolation": "Soft",
				"selector": {"pool": "gold"},
				"taint": {"effect": "NoExecute", "key": "dedicated", "value": "gold"},
			},
		},
		"a taint may have a key alone": {
			"given": {"taint": {"key": "dedicated"}},
			"want": {
				"isolation": "Hard",
				"selector": {"tenant": "a"},
				"taint": {"effect": "NoSchedule", "key": "dedicated", "value": ""},
			},
		},
		"an unknown isolation is Hard, an empty selector is the default": {
			"given": {"isolation": "soft", "nodeSelector": {}},
			"want": {
				"isolation": "Hard",
				"selector": {"tenant": "a"},
				"taint": {"effect": "NoSchedule", "key": "tenant", "value": "a"},
			},
		},
	}
	tenants.pool == tc.want with input as {"tenant": {"metadata": {"name": "a"}, "spec": {"nodePool": tc.given}}}
}

test_pool_follows_the_configured_label if {
	got := tenants.pool with input as {
		"config": {"tenant_label": "team"},
		"tenant": {"metadata": {"name": "a"}, "spec": {"nodePool": {}}},
	}
	got == {
		"isolation": "Hard",
		"selector": {"team": "a"},
		"taint": {"effect": "NoSchedule", "key": "team", "value": "a"},
	}
}

test_without_a_node_pool_there_is_no_pool[note] if {
	some note, spec in {"absent": {}, "null": {"nodePool": null}, "not an object": {"nodePool": "all"}}
	not tenants.pool with input as {"tenant": {"metadata": {"name": "a"}, "spec": spec}}
}

_identities := {"users": ["root"], "groups": ["system:masters"]}

test_requester_is_among_users_or_groups if {
	tenants.requester_among(_identities) with input.request.userInfo as {"username": "root"}
	tenants.requester_among(_identities) with input.request.userInfo as {"username": "x", "groups": ["y", "system:masters"]}
}

test_requester_is_not_among[note] if {
	some note, user in {
		"another user": {"username": "alice", "groups": ["system:authenticated"]},
		"a user with a group's name": {"username": "system:masters"},
		"a group with a user's name": {"username": "alice", "groups": ["root"]},
		"nobody": {},
		"odd types": {"username": ["root"], "groups": "system:masters"},
	}
	not tenants.requester_among(_identities) with input.request.userInfo as user
}

test_requester_is_not_among_lists_that_are_not_there if {
	not tenants.requester_among({}) with input.request.userInfo as {"username": "root", "groups": ["a"]}
	not tenants.requester_among({"users": "root"}) with input.request.userInfo as {"username": "root"}
}

test_requester_as_messages_name_it if {
	tenants.requester == `user "alice"` with input.request.userInfo as {"username": "alice"}
	tenants.requester == "an unnamed user" with input as {}
	tenants.described(_identities) == "user root, group system:masters"
	tenants.described({}) == ""
}
