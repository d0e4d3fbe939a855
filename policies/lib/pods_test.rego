package usher.lib.pods_test

import data.usher.lib.pods
import data.usher.lib.pointers

paths := {problem.path | some problem in pods.malformed}

test_pods_as_kubernetes_makes_them if {
	every pod in [
		{"spec": {"containers": []}}, {"spec": {"containers": [{}], "initContainers": null}}, {"spec": {}},
	] {
		paths == set() with input as {"pod": pod}
	}
	paths == set() with input as {}
}

test_malformed if {
	every pair in [
		[{}, "/spec"], [{"spec": null}, "/spec"], [{"spec": []}, "/spec"],
		[{"spec": {"containers": "x"}}, "/spec/containers"], [{"spec": {"initContainers": {"a": {}}}}, "/spec/initContainers"],
		[{"spec": {"ephemeralContainers": [{}, 7]}}, "/spec/ephemeralContainers/1"], [{"spec": {"containers": [null]}}, "/spec/containers/0"],
	] {
		paths == {pair[1]} with input as {"pod": pair[0]}
	}
}

test_what_may_be_amended if {
	pods.amendable with input as {"pod": {"path": ""}, "request": {"operation": "CREATE"}}
	pods.amendable with input as {"pod": {"path": "/spec/template"}, "request": {"operation": "UPDATE"}}
	not pods.amendable with input as {"pod": {"path": ""}, "request": {"operation": "UPDATE"}}
	not pods.amendable with input as {"request": {"operation": "CREATE"}}
}

test_escape if pointers.escape("a~b/c") == "a~0b~1c"
