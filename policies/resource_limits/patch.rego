package usher.resource_limits

import data.usher.lib.pods

_injections := [{"list": list, "at": i, "amounts": amounts, "resources": resources} |
	pods.amendable
	some list in ["initContainers", "containers"]
	is_array(input.pod.spec[list])
	some i, container in input.pod.spec[list]
	amounts := _injection(list, i)
	resources := object.get(container, "resources", null)
]

# A container without resources gets all of them at once.
patch contains {"op": "add", "path": sprintf("/spec/%s/%d/resources", [to.list, to.at]), "value": value} if {
	some to in _injections
	not is_object(to.resources)
	value := {section: amounts |
		some section, amounts in to.amounts
		count(amounts) > 0
	}
	count(value) > 0
}

# One without limits, or without requests, gets the section.
patch contains {"op": "add", "path": sprintf("/spec/%s/%d/resources/%s", [to.list, to.at, section]), "value": amounts} if {
	some to in _injections
	is_object(to.resources)
	some section, amounts in to.amounts
	not is_object(object.get(to.resources, section, null))
	count(amounts) > 0
}

# The rest gets the amounts that are missing, one by one.
patch contains {"op": "add", "path": sprintf("/spec/%s/%d/resources/%s/%s", [to.list, to.at, section, name]), "value": quantity} if {
	some to in _injections
	some section, amounts in to.amounts
	is_object(to.resources[section])
	some name, quantity in amounts
}
