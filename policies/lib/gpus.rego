# METADATA
# title: GPUs
# description: |
#   Which resources are GPUs and how much of a GPU each is worth, in units: one
#   unit is one whole GPU. Amounts are exact fractions and never floats. Read from
#   the parameters gpu_resources, gpu_device_classes, weights, mig_slices and
#   shared_replicas, which every policy that imports this declares.
package usher.lib.gpus

import data.usher.lib.patterns
import data.usher.lib.quantities
import data.usher.lib.resources

# Whether a resource may be a GPU. The implicit resource of a device class is one
# where the class is.
is_gpu(name) if {
	contains(name, "/")
	not startswith(name, resources.device_class_prefix)
	_is_gpu_by_name(lower(name))
}

is_gpu(name) if {
	startswith(name, resources.device_class_prefix)
	is_gpu_class(trim_prefix(name, resources.device_class_prefix))
}

_is_gpu_by_name(name) if patterns.matches_any(input.params.gpu_resources, name)

# Without a list that says otherwise, every extended resource may be a GPU.
_is_gpu_by_name(_) if not is_array(object.get(input.params, "gpu_resources", null))

# Whether devices of a DRA device class may be GPUs.
is_gpu_class(class) if patterns.matches_any(input.params.gpu_device_classes, class)

is_gpu_class(_) if not is_array(object.get(input.params, "gpu_device_classes", null))

# What one of a resource is worth: of/per of a GPU. Undefined where nobody knows.
weight(name) := _configured(name) if _is_configured(name)

weight(name) := _built_in(name) if {
	not _is_configured(name)
	not endswith(name, ".shared")
}

# As the device plugin renames what it shares.
weight(name) := {"of": whole.of, "per": whole.per * _positive("shared_replicas")} if {
	not _is_configured(name)
	endswith(name, ".shared")
	whole := _weight_of_whole(trim_suffix(name, ".shared"))
}

_weight_of_whole(name) := _configured(name) if _is_configured(name)

_weight_of_whole(name) := _built_in(name) if not _is_configured(name)

_built_in(name) := {"of": 1, "per": 1} if {
	name == "nvidia.com/gpu"
} else := {"of": 1, "per": 1} if {
	# What a device of a class is, only the class's selectors know: at worst a GPU.
	startswith(name, resources.device_class_prefix)
} else := {"of": slices, "per": _positive("mig_slices")} if {
	slices := mig_slices(name)
}

# How many compute slices a MIG profile has, as the device plugin names it:
# [Cc.]Gg.MgB with attributes after a dot, such as mig-1g.10gb.me. A compute
# instance is worth its own slices, not its GPU instance's.
mig_slices(name) := to_number(slices[0]) if {
	found := regex.find_all_string_submatch_n(
		`^nvidia\.com/mig-(?:([1-9][0-9]?)c\.)?([1-9][0-9]?)g\.[0-9]+gb(?:[.+-][a-z0-9.+-]*)?$`,
		name,
		1,
	)
	slices := [digits | some digits in array.slice(found[0], 1, 3); digits != ""]
}

_is_configured(name) if _ = input.params.weights[name]

# "3/7", or any quantity.
_configured(name) := {"of": to_number(parts[0]), "per": to_number(parts[1])} if {
	weight := input.params.weights[name]
	is_string(weight)
	regex.match(`^(?:0|[1-9][0-9]{0,5})/[1-9][0-9]{0,5}$`, weight)
	parts := split(weight, "/")
} else := {"of": amount, "per": quantities.one} if {
	amount := quantities.nano(input.params.weights[name])
	amount >= 0
}

# A parameter that is a whole number above zero.
_positive(parameter) := to_number(text) if {
	text := quantities.written(input.params[parameter])
	regex.match(`^[1-9][0-9]{0,5}$`, text)
}

# A sum of parts, each {"count": whole number, "weight"}, as one fraction.
total(parts) := {"of": sum(numerators), "per": denominator} if {
	denominators := {part.weight.per | some part in parts}
	denominator := product(denominators)
	numerators := [numerator |
		some part in parts
		others := product(denominators - {part.weight.per})
		numerator := (part.count * part.weight.of) * others
	]
}

# Whether units exceed a limit in nano units. Units count in millionths, rounded
# up, so a limit counts rounded down to them.
exceeds(units, limit) if units.of * quantities.one > (limit - (limit % 1000)) * units.per

# Whether one fraction is more than another.
is_more(units, other) if units.of * other.per > other.of * units.per

# Units for a message: in decimal digits, rounded up to millionths.
text(units) := concat("", [substring(digits, 0, count(digits) - 6), fraction]) if {
	product := units.of * 1000000
	remainder := product % units.per
	digits := sprintf("%07d", [((product - remainder) / units.per) + _one_if(remainder)])
	fraction := trim_suffix(sprintf(".%s", [trim_right(substring(digits, count(digits) - 6, -1), "0")]), ".")
}

# The same of a number of millionths.
millionths(units) := text({"of": units, "per": 1000000})

_one_if(0) := 0

_one_if(remainder) := 1 if remainder > 0
