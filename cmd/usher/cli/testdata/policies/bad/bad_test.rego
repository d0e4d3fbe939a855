package usher.bad_test

import data.usher.bad

test_a_version_passes if _violations("registry.example:5000/team/app:1.2.3") == set()

test_a_digest_passes if _violations("app:latest@sha256:0000") == {"/spec"}

test_the_tag_latest_is_denied if _violations("registry.example:5000/team/app:latest") == {"/spec/containers/0/image"}

test_no_tag_is_the_tag_latest if _violations("registry.example:5000/team/app") == {"/spec/containers/0/image"}

test_an_image_that_is_no_text_is_not_judged if _violations(["app"]) == set()

test_every_list_of_containers_is_judged if {
	spec := {list: [{"name": "app", "image": "app"}] |
		some list in ["initContainers", "containers", "ephemeralContainers"]
	}
	_violations_of(spec) == {"/spec/initContainers/0/image", "/spec/containers/0/image", "/spec/ephemeralContainers/0/image"}
}

_violations(image) := _violations_of({"containers": [{"name": "app", "image": image}]})

_violations_of(spec) := {v.path |
	some v in bad.deny with input as {
		"pod": {"spec": spec, "path": ""},
		"params": {"forbidden_tags": ["latest"]},
	}
}
