package usher.gpu_quota

import data.usher.lib.gpus
import data.usher.lib.pods
import data.usher.lib.pointers
import data.usher.lib.quantities

# Every GPU resource that a container asks for: where, which, the amounts as they
# are stated, and how many that are at worst. Asking for 0 is not asking.
_asked := [ask |
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	names := {name |
		some section in ["limits", "requests"]
		is_object(container.resources[section])
		some name, _ in container.resources[section]
		gpus.is_gpu(name)
	}
	some name in names
	stated := {section: container.resources[section][name] |
		some section in ["limits", "requests"]
		_ = container.resources[section][name]
	}
	amounts := [amount |
		some quantity in stated
		amount := quantities.nano(quantity)
	]
	most := max(array.concat([0], amounts))
	not _is_nothing(stated, most)
	ask := {
		"list": list,
		"at": i,
		"name": name,
		"stated": stated,
		"count": quantities.ceiling(most),
		"sidecar": pods.is_sidecar(container),
	}
]

_is_nothing(stated, 0) if {
	every quantity in stated { quantities.nano(quantity) == 0 }
}

# Where the amount stands that says most: the limit, if there is one.
_path(ask) := _path_of(ask, "limits") if _states(ask, "limits")

_path(ask) := _path_of(ask, "requests") if not _states(ask, "limits")

_path_of(ask, section) := sprintf(
	"/spec/%s/%v/resources/%s/%s",
	[ask.list, ask.at, section, pointers.escape(ask.name)],
)

_states(ask, section) if _ = ask.stated[section]
