# METADATA
# title: GPU models
# description: >-
#   Pods with GPUs, of a tenant that may use some models only, run on nodes with
#   such GPUs: they are bound there by a node affinity on the label that names a
#   node's model. Devices that a pod claims are bound with it.
# custom:
#   severity: high
#   checks:
#     model: every way for the pod to be placed leads to a GPU model that the tenant may use
#     shape: the pod's affinity is made as Kubernetes makes it
#   parameters:
#     model_label:
#       description: >-
#         the label of a node that names the model of its GPUs, as NVIDIA's GPU feature
#         discovery writes it
#       default: nvidia.com/gpu.product
#     gpu_resources:
#       description: >-
#         patterns of the resources that are GPUs, as in gpu_quota
#       default: ["nvidia.com/*", "amd.com/gpu*", "gpu.intel.com/*", "habana.ai/*", "*gpu*"]
#     gpu_device_classes:
#       description: patterns of the DRA device classes that are GPUs, as in gpu_quota
#       default: ["*"]
package usher.gpu_models

import data.usher.lib.gpus
import data.usher.lib.pods

# Most tenants may use every model, and most pods ask for no GPU.
applies if {
	count(_models) > 0
	_asks_for_gpus
}

_models := [model | some model in input.tenant.spec.gpu.models; is_string(model)]

_asks_for_gpus if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some section in ["limits", "requests"]
	is_object(container.resources[section])
	some name, _ in container.resources[section]
	gpus.is_gpu(name)
}

_asks_for_gpus if {
	some _ in input.pod.spec.resourceClaims
}

# A pod that is there keeps its place: only its metadata and little else can change.
_judged if {
	applies
	not _updates_pod
}

_updates_pod if {
	input.request.operation == "UPDATE"
	input.pod.path == ""
}

deny contains {"check": "model", "msg": msg, "path": _required_path} if {
	_judged
	count(_malformed) == 0
	_terms == null
	msg := sprintf("the pod may run on GPUs of any model; require node affinity to %s", [_ways])
}

# A term that is empty matches no node.
deny contains {"check": "model", "msg": msg, "path": path} if {
	_judged
	some i, term in _terms
	not _is_empty(term)
	not _keeps_to_models(term)
	msg := sprintf("this term lets the pod run on GPUs of other models; add to it %s", [_ways])
	path := sprintf("%s/nodeSelectorTerms/%d", [_required_path, i])
}

deny contains {"check": "shape", "msg": msg, "path": path} if {
	_judged
	some [path, msg] in _malformed
}

_ways := sprintf("%s In [%s]", [input.params.model_label, concat(", ", _models)])
