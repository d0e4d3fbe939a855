# METADATA
# title: Node identity
# description: >-
#   The agent on a node reports that node's GPUs, and no other's. It is known by
#   its token, which names the node that its pod runs on (KEP-4193). So whoever
#   breaks into a node can lie about that node alone: no forged report makes
#   another's GPUs look free, gone, or better linked than they are.
# custom:
#   severity: critical
#   checks:
#     writer: only agents write what GPUNodes report
#     token: an agent's token names the node that the agent runs on
#     node: an agent writes the GPUNode of its own node alone
#     owner: the only owner of a GPUNode is its Node, with which it goes
#   parameters:
#     agents:
#       description: who reports GPUs, each of the node that the token names
#       default:
#         users: ["system:serviceaccount:usher-system:usher-agent"]
#         groups: []
#     admins:
#       description: >-
#         who may write every GPUNode, to repair or to restore one. Whoever else
#         has the right may delete it and change its metadata, as the garbage
#         collector does
#       default:
#         users: []
#         groups: ["system:masters"]
package usher.node_identity

import data.usher.lib.tenants

deny contains {"check": "writer", "msg": msg, "path": "/metadata/name"} if {
	input.request.kind.kind == "GPUNode"
	_of_usher
	_reports
	not _is_agent
	not _is_admin
	msg := sprintf(
		"%s may not write what a GPUNode reports; leave it to the agent of node %q (%s)",
		[tenants.requester, _name, tenants.described(_agents)],
	)
}

deny contains {"check": "token", "msg": msg, "path": "/metadata/name"} if {
	input.request.kind.kind == "GPUNode"
	_of_usher
	_is_agent
	not _is_admin
	not _node
	msg := sprintf(
		"the token of %s does not name one node; use the one that the kubelet projects into the agent's pod, which does",
		[tenants.requester],
	)
}

deny contains {"check": "node", "msg": msg, "path": "/metadata/name"} if {
	input.request.kind.kind == "GPUNode"
	_of_usher
	_is_agent
	not _is_admin
	_node != _name
	msg := sprintf("the agent of node %q may not write GPUNode %q; it may write %q alone", [_node, _name, _node])
}

# Owners that were there before are not the doing of who reports now.
deny contains {"check": "owner", "msg": msg, "path": sprintf("/metadata/ownerReferences/%v", [i])} if {
	input.request.kind.kind == "GPUNode"
	_of_usher
	some i, owner in input.request.object.metadata.ownerReferences
	not _is_own_node(owner)
	not _owned_before(owner)
	msg := sprintf("owner %s is not the GPUNode's Node; leave it out, or name Node %q of v1", [_described(owner), _name])
}

_of_usher if input.request.kind.group == "usher.dev"

# Anything but an update of metadata alone.
_reports if not input.request.operation == "UPDATE"

_reports if object.remove(input.request.object, ["metadata"]) != object.remove(input.request.oldObject, ["metadata"])

_is_agent if tenants.requester_among(_agents)

_is_admin if tenants.requester_among(input.params.admins)

default _agents := {}

_agents := input.params.agents

# The node in the requester's token. The API server writes one at most.
_node := name if {
	[name] = input.request.userInfo.extra["authentication.kubernetes.io/node-name"]
	is_string(name)
	name != ""
}

# A name that the API server is to generate is not there yet.
default _name := ""

_name := input.request.object.metadata.name if is_string(input.request.object.metadata.name)

_is_own_node(owner) if {
	owner.apiVersion == "v1"
	owner.kind == "Node"
	owner.name == _name
}

_owned_before(owner) if owner in input.request.oldObject.metadata.ownerReferences

_described(owner) := sprintf("%s %q", [owner.kind, owner.name]) if {
	is_string(owner.kind)
	is_string(owner.name)
} else := "without kind and name"
