package usher.gpu_quota_test

import data.usher.gpu_quota

quota(hard, used, reserved, request) := {"quota": {
	"tenant": "team-a",
	"hard": hard,
	"used": object.union({"units": 0, "namespace_units": 0, "resources": {}}, used),
	"reserved": object.union({"units": 0, "namespace_units": 0, "resources": {}}, reserved),
	"request": object.union({"units": 0, "resources": {}}, request),
	"holders": [],
	"freeing": {"units": 0, "count": 0},
}}

test_a_reservation_within_every_limit if {
	full := quota(
		{"units": 4000000, "namespace_units": 2000000, "resources": {"nvidia.com/gpu": 4}},
		{"units": 2000000, "namespace_units": 1000000, "resources": {"nvidia.com/gpu": 2}},
		{"units": 1000000, "resources": {"nvidia.com/gpu": 1}},
		{"units": 1000000, "resources": {"nvidia.com/gpu": 1}},
	)
	gpu_quota.deny_reservation == set() with input as full
}

test_no_limit_is_no_denial if {
	gpu_quota.deny_reservation == set() with input as quota({}, {"units": 9000000000}, {}, {"units": 64000000})
}

test_a_tenant_without_a_ledger_is_not_asked_about if {
	gpu_quota.deny_reservation == set() with input as {"pod": {}}
}

test_one_millionth_too_much if {
	over := quota({"units": 1000000}, {"units": 571429}, {}, {"units": 428572})
	gpu_quota.deny_reservation == {{
		"check": "tenant-units",
		"msg": "0.428572 GPU asked for, and of the tenant's 1 0.428571 are left: 0.571429 held; ask for at most 0.428571, or wait until others end",
	}} with input as over
	gpu_quota.deny_reservation == set() with input as quota({"units": 1000000}, {"units": 571429}, {}, {"units": 428571})
}

test_who_holds_what_and_what_is_being_freed if {
	asked := object.union_n([
		quota({"units": 64000000}, {"units": 60000000}, {"units": 4000000}, {"units": 1000000}),
		{"quota": {
			"holders": [
				{"kind": "Pod", "namespace": "team-a", "name": "train-0", "units": 8000000, "reserved": false},
				{"kind": "ResourceClaim", "namespace": "team-a", "name": "mig", "units": 428572, "reserved": false},
			],
			"freeing": {"units": 2000000, "count": 2},
		}},
	])
	gpu_quota.deny_reservation == {{
		"check": "tenant-units",
		"msg": concat("", [
			"1 GPU asked for, and of the tenant's 64 none is left: 60 held, 4 reserved for what was just admitted, ",
			"most by team-a/train-0 (8), team-a/mig (0.428572); 2 being freed; wait until others end, or delete what is not needed",
		]),
	}} with input as asked
}

test_more_than_could_ever_be_had if {
	gpu_quota.deny_reservation == {{
		"check": "tenant-units",
		"msg": "16 replicas ask for 128 GPU together, and of the tenant's 64 63 are left: 1 held; ask for at most 64",
	}} with input as quota({"units": 64000000}, {"units": 1000000}, {}, {"units": 128000000, "replicas": 16})
}

test_a_tenant_over_its_limit_gets_nothing_more if {
	over := quota({"units": 2000000}, {"units": 3000000}, {}, {"units": 1})
	{denial.check | some denial in gpu_quota.deny_reservation} == {"tenant-units"} with input as over
	gpu_quota.deny_reservation == set() with input as quota({"units": 2000000}, {"units": 3000000}, {}, {})
}

test_the_limit_of_a_namespace if {
	gpu_quota.deny_reservation == {{
		"check": "namespace-units",
		"msg": "2 GPU asked for, and of the 2 that one namespace may hold 1 is left: 1 held; ask for at most 1, or wait until others end",
	}} with input as quota({"units": 64000000, "namespace_units": 2000000}, {"units": 9000000, "namespace_units": 1000000}, {}, {"units": 2000000})
}

test_the_cap_of_a_resource if {
	gpu_quota.deny_reservation == {{
		"check": "resource-cap",
		"msg": concat("", [
			"2 nvidia.com/mig-3g.20gb asked for, and of the tenant's 3 1 is left: 1 held, ",
			"1 reserved for what was just admitted; ask for at most 1, or wait until others end",
		]),
	}} with input as quota(
		{"resources": {"nvidia.com/mig-3g.20gb": 3, "nvidia.com/gpu": 0}},
		{"resources": {"nvidia.com/mig-3g.20gb": 1}},
		{"resources": {"nvidia.com/mig-3g.20gb": 1}},
		{"units": 857143, "resources": {"nvidia.com/mig-3g.20gb": 2}},
	)
}
