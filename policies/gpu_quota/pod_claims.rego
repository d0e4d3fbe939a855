package usher.gpu_quota

import data.usher.lib.quantities

deny contains {"check": "shape", "msg": "resourceClaims is not a list; write a list of claims", "path": "/spec/resourceClaims"} if {
	entries := input.pod.spec.resourceClaims
	not is_array(entries)
	entries != null
}

deny contains {"check": "claim-source", "msg": msg, "path": sprintf("/spec/resourceClaims/%v", [i])} if {
	some i, entry in input.pod.spec.resourceClaims
	sources := [field | some field in ["resourceClaimName", "resourceClaimTemplateName"]; _is_set(entry[field])]
	count(sources) != 1
	msg := sprintf("a claim has %d sources; set resourceClaimName or resourceClaimTemplateName", [count(sources)])
}

_is_set(value) if not value in {null, ""}

# Where the tenant may use no class that is a GPU's, and every class is, no claim
# can be right. Elsewhere the claims themselves have been judged.
deny contains {"check": check, "msg": msg, "path": sprintf("/spec/resourceClaims/%v", [i])} if {
	some i, _ in input.pod.spec.resourceClaims
	"*" in input.params.gpu_device_classes
	[check, msg] := _claims_refusal
}

_claims_refusal := [_refusal.check, sprintf("a device claim may be a GPU: %s", [_refusal.msg])]

_claims_refusal := ["device-class", "the tenant may use no device class; ask for GPU resources of a container instead"] if {
	_grant
	not _has_classes
}

deny contains {"check": "pod-claims", "msg": msg, "path": "/spec/resourceClaims"} if {
	_is_bounded
	some _ in input.pod.spec.resourceClaims
	number := count(input.pod.spec.resourceClaims) + count([1 | _pod_asks])
	number > _max_pod_claims
	msg := sprintf(
		"the pod has %d device claims, GPUs of containers counting as one, and each may be worth as much as a whole pod may have; at most %d, so put all devices into one claim",
		[number, _max_pod_claims],
	)
}

_is_bounded if _bound("perPod")

_is_bounded if _bound("perContainer")

_pod_asks if count(_asked) > 0

default _max_pod_claims := 0

_max_pod_claims := quantities.ceiling(quantities.nano(input.params.max_pod_claims)) if {
	quantities.nano(input.params.max_pod_claims) >= 0
}
