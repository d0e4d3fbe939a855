package usher.gpu_quota

import data.usher.lib.claims
import data.usher.lib.pointers

# A claim that a scheduler makes for the extended resources of a pod is charged
# with the pod, and bears this annotation (KEP-5004). With it a tenant's own claim
# would be charged to nobody.
_extended_resource_claim := "resource.kubernetes.io/extended-resource-claim"

deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	some [prefix, "annotations", annotations] in _claim_metadata
	value := annotations[_extended_resource_claim]
	not _is_by_claim_writer
	not _had("annotations", _extended_resource_claim) == value
	msg := sprintf("%s is written by schedulers alone, whose claims are charged with their pods; leave it out", [json.marshal(_extended_resource_claim)])
	path := sprintf("%s/annotations/%s", [prefix, pointers.escape(_extended_resource_claim)])
}

# By the reservation's ID a claim is found in the ledger. A new claim gets it from
# usher, whatever it brings; a template's is copied into claims, and written over.
deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	id := claims.before.metadata.labels[_reservation]
	not claims.reviewed.metadata.labels[_reservation] == id
	msg := sprintf("%s is written by usher and never changes; keep %s", [json.marshal(_reservation), json.marshal(id)])
	path := sprintf("/metadata/labels/%s", [pointers.escape(_reservation)])
}

deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	claims.before
	_had("labels", _reservation) == null
	_ = claims.reviewed.metadata.labels[_reservation]
	msg := sprintf("%s is written by usher alone; leave it out", [json.marshal(_reservation)])
	path := sprintf("/metadata/labels/%s", [pointers.escape(_reservation)])
}

# Whatever else usher may come to write there and believe.
deny contains {"check": "claim-metadata", "msg": msg, "path": path} if {
	some [prefix, field, metadata] in _claim_metadata
	is_object(metadata)
	some key, value in metadata
	startswith(key, "usher.dev/")
	not key in {_reservation, "usher.dev/gpu-topology"}
	not _had(field, key) == value
	msg := sprintf("%s is written by usher alone; leave it out", [json.marshal(key)])
	path := sprintf("%s/%s/%s", [prefix, field, pointers.escape(key)])
}

_reservation := "usher.dev/reservation"

# Where a claim or a template of claims carries metadata that ends up on a claim.
_claim_metadata contains ["/metadata", field, claims.reviewed.metadata[field]] if {
	some field in ["annotations", "labels"]
}

_claim_metadata contains ["/spec/metadata", field, claims.reviewed.spec.metadata[field]] if {
	input.request.kind.kind == "ResourceClaimTemplate"
	some field in ["annotations", "labels"]
}

# What the claim bore before; null: nothing.
_had(field, key) := claims.before.metadata[field][key] if {
	claims.before.metadata[field][key]
} else := null
