# METADATA
# title: Words
# description: Says what it sees, for tests of reviews.
# custom:
#   severity: low
#   checks:
#     image: containers run allowed images
#     label: pods have the label that the tenant asks for
#     note: something to know
#     log: something to log
package usher.words

import data.usher.lib.pods

deny contains {"check": "image", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, c in input.pod.spec[list]
	c.image == "bad"
	msg := sprintf("image %q is not allowed; run good", [c.image])
	path := sprintf("/spec/%s/%d/image", [list, i])
}

deny contains {"check": "label", "msg": msg, "path": "/metadata/labels/owner"} if {
	input.tenant
	not input.pod.metadata.labels.owner
	msg := sprintf("label owner is not set; tenant %s wants it", [input.tenant.metadata.name])
}

deny contains {"check": "label", "msg": "namespaces of a tenant are the platform's", "path": "/metadata/labels/tenant"} if {
	input.request.kind.kind == "Namespace"
	input.request.object.metadata.labels.tenant
	not "platform" in input.request.userInfo.groups
}

warn contains {"check": "note", "msg": "cpu: is written as text now", "path": "/spec/containers/0/resources/limits/cpu"} if {
	input.pod.spec.containers[0].resources.limits.cpu == "1"
}

audit contains {"check": "log", "msg": sprintf("runs in %s", [input.request.namespace])} if input.pod.spec.hostNetwork

patch contains {"op": "add", "path": "/metadata/labels", "value": {"owner": "added"}} if {
	input.pod.metadata.name == "mutated"
	input.pod.metadata.namespace == "team-a"
}
