# METADATA
# title: Compute resources
# description: What Kubernetes makes of a resource's name and of a container's amounts.
package usher.lib.resources

import data.usher.lib.quantities

# An extended resource: not overcommitted, whole numbers, nothing unless asked for.
# Kubernetes counts every name in kubernetes.io as its own, the implicit resource
# of a device class among them, which stands for devices all the same (KEP-5004).
is_extended(name) if startswith(name, device_class_prefix)

is_extended(name) if {
	contains(name, "/")
	not contains(name, "kubernetes.io/")
}

device_class_prefix := "deviceclass.resource.kubernetes.io/"

# Requests of such a resource equal its limits.
is_exclusive(name) if is_extended(name)

is_exclusive(name) if startswith(name, "hugepages-")

# A container without a limit of such a resource, or with the limit 0, may use
# all that the node has. Of every other resource it gets none.
is_unlimited_without_limit(name) if name in {"cpu", "memory", "ephemeral-storage"}

# The pod's own resources may name these (KEP-2837).
is_pod_level(name) if name in {"cpu", "memory"}

is_pod_level(name) if startswith(name, "hugepages-")

# The amounts of a list of resources in nano units, without what is no quantity or
# negative.
amounts(list) := {name: amount |
	is_object(list)
	some name, quantity in list
	amount := quantities.nano(quantity)
	amount >= 0
}

# What a pod holds of one resource while it runs (KEP-753): its containers and
# sidecars together, or more while an init container runs beside the sidecars
# before it. Each element of inits is {"amount", "sidecar"}, in order.
effective(containers, inits) := max([sum(array.concat(containers, sidecars)), max(array.concat([0], stages))]) if {
	sidecars := [init.amount | some init in inits; init.sidecar]
	stages := [stage |
		some i, init in inits
		before := [other.amount | some j, other in inits; j < i; other.sidecar]
		stage := init.amount + sum(before)
	]
}
