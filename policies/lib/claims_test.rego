package usher.lib.claims_test

import data.usher.lib.claims

claim(kind, object) := {"request": {"kind": {"group": "resource.k8s.io", "kind": kind}, "object": object}}

requests(list) := claim("ResourceClaim", {"spec": {"devices": {"requests": list}}})

found := [[device.request, device.path, device.device.deviceClassName] | some device in claims.devices]

test_every_shape if {
	shapes := [
		{"name": "v1", "exactly": {"deviceClassName": "a"}},
		{"name": "v1", "firstAvailable": [{"deviceClassName": "b"}, {"deviceClassName": "c"}]},
		{"name": "v1beta1", "deviceClassName": "d"},
		{"name": "v1beta1", "deviceClassName": "", "firstAvailable": [{"deviceClassName": "e"}]},
		{"name": "all at once", "deviceClassName": "f", "exactly": {"deviceClassName": "g"}, "firstAvailable": [{"deviceClassName": "h"}]},
	]
	want := {
		[0, "/spec/devices/requests/0/exactly", "a"],
		[1, "/spec/devices/requests/1/firstAvailable/0", "b"],
		[1, "/spec/devices/requests/1/firstAvailable/1", "c"],
		[2, "/spec/devices/requests/2", "d"],
		[3, "/spec/devices/requests/3/firstAvailable/0", "e"],
		[4, "/spec/devices/requests/4", "f"],
		[4, "/spec/devices/requests/4/exactly", "g"],
		[4, "/spec/devices/requests/4/firstAvailable/0", "h"],
	}
	{entry | some entry in found} == want with input as requests(shapes)
	count(claims.malformed) == 0 with input as requests(shapes)
}

test_a_template if {
	template := claim("ResourceClaimTemplate", {"spec": {"spec": {"devices": {"requests": [{"exactly": {"deviceClassName": "a"}}]}}}})
	found == [[0, "/spec/spec/devices/requests/0/exactly", "a"]] with input as template
}

test_a_request_without_any_shape_asks_itself if {
	[device.path | some device in claims.devices] == ["/spec/devices/requests/0", "/spec/devices/requests/1"] with input as requests([
		{"name": "a"},
		{"name": "b", "deviceClassName": ""},
	])
}

test_admin_access_beside_alternatives_is_seen if {
	paths := [device.path | some device in claims.devices] with input as requests([{"adminAccess": true, "firstAvailable": [{"deviceClassName": "a"}]}])
	paths == ["/spec/devices/requests/0/firstAvailable/0", "/spec/devices/requests/0"]
}

test_other_objects_are_no_claims if {
	every kind in [{"group": "", "kind": "ResourceClaim"}, {"group": "resource.k8s.io", "kind": "DeviceClass"}, {}] {
		object := {"request": {"kind": kind, "object": {"spec": {"devices": {"requests": [{"deviceClassName": "a"}]}}}}}
		not claims.under_review with input as object
		count(claims.devices) == 0 with input as object
		count(claims.malformed) == 0 with input as object
	}
}

test_odd_shapes_are_malformed if {
	every pair in [
		[{"spec": 7}, "/spec"],
		[{"spec": {"devices": "x"}}, "/spec/devices"],
		[{"spec": {"devices": {"requests": {"a": {}}}}}, "/spec/devices/requests"],
		[{"spec": {"devices": {"requests": [7]}}}, "/spec/devices/requests/0"],
		[{"spec": {"devices": {"requests": [{"exactly": 7}]}}}, "/spec/devices/requests/0/exactly"],
		[{"spec": {"devices": {"requests": [{"firstAvailable": {"a": 1}}]}}}, "/spec/devices/requests/0/firstAvailable"],
		[{"spec": {"devices": {"requests": [{"firstAvailable": [7]}]}}}, "/spec/devices/requests/0/firstAvailable/0"],
	] {
		pair[1] in {problem.path | some problem in claims.malformed} with input as claim("ResourceClaim", pair[0])
	}
	paths := {problem.path | some problem in claims.malformed} with input as claim("ResourceClaimTemplate", {"spec": {"spec": []}})
	paths == {"/spec/spec"}
}
