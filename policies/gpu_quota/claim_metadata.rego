package usher.gpu_quota

import data.usher.lib.claims
import data.usher.lib.pointers

# A claim that a scheduler makes for the extended resources of a pod is charged
# with the pod, and bears this annotation (KEP-5004). With it a tenant's own claim
# would be charged to nobody.
_extended_resource_claim := "resource.kubernetes.io/extended-resource-claim"

deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	some [prefix, metadata] in _claim_metadata
	_ = metadata.annotations[_extended_resource_claim]
	not _is_by_claim_writer
	not _old_claim_metadata.annotations[_extended_resource_claim] == metadata.annotations[_extended_resource_claim]
	msg := sprintf("%s is written by schedulers alone, whose claims are charged with their pods; leave it out", [json.marshal(_extended_resource_claim)])
	path := sprintf("%s/annotations/%s", [prefix, pointers.escape(_extended_resource_claim)])
}

# By the reservation's ID a claim is found in the ledger. A new claim gets it from
# usher, whatever it brings; a template's is copied into claims, and written over.
deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	claims.under_review
	input.request.operation == "UPDATE"
	before := object.get(_old_claim_metadata, ["labels", _reservation], null)
	before != null
	object.get(input.request.object, ["metadata", "labels", _reservation], null) != before
	msg := sprintf("%s is written by usher and never changes; keep %s", [json.marshal(_reservation), json.marshal(before)])
	path := sprintf("/metadata/labels/%s", [pointers.escape(_reservation)])
}

deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	claims.under_review
	input.request.operation == "UPDATE"
	object.get(_old_claim_metadata, ["labels", _reservation], null) == null
	_ = input.request.object.metadata.labels[_reservation]
	msg := sprintf("%s is written by usher alone; leave it out", [json.marshal(_reservation)])
	path := sprintf("/metadata/labels/%s", [pointers.escape(_reservation)])
}

# Whatever else usher may come to write there and believe.
deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	some [prefix, metadata] in _claim_metadata
	some field in ["annotations", "labels"]
	is_object(metadata[field])
	some key, value in metadata[field]
	startswith(key, "usher.dev/")
	not key in {_reservation, "usher.dev/gpu-topology"}
	not object.get(_old_claim_metadata, [field, key], null) == value
	msg := sprintf("%s is written by usher alone; leave it out", [json.marshal(key)])
	path := sprintf("%s/%s/%s", [prefix, field, pointers.escape(key)])
}

_reservation := "usher.dev/reservation"

# Where a claim or a template of claims carries metadata that ends up on a claim.
_claim_metadata contains ["/metadata", input.request.object.metadata] if claims.under_review

_claim_metadata contains ["/spec/metadata", input.request.object.spec.metadata] if {
	claims.under_review
	input.request.kind.kind == "ResourceClaimTemplate"
}

default _old_claim_metadata := {}

_old_claim_metadata := input.request.oldObject.metadata if is_object(input.request.oldObject.metadata)
