package usher.tenant_isolation

import data.usher.lib.tenants

# A term over other namespaces lets a tenant look for others' pods, or keep them
# away: a required anti-affinity binds both sides. Topology spread constraints
# count the pods of their own namespace only, so they need no rule.
deny contains {"check": "pod-affinity", "msg": msg, "path": path} if {
	_pod_affinity_judged
	some [base, term] in _pod_terms
	some i, namespace in term.namespaces
	not namespace in _own_namespaces
	msg := sprintf("namespace %s is not the pod's own; leave namespaces out", [_quoted(namespace)])
	path := sprintf("%s/namespaces/%v", [base, i])
}

deny contains {"check": "pod-affinity", "msg": msg, "path": path} if {
	_pod_affinity_judged
	some [base, term] in _pod_terms
	selector := term.namespaceSelector
	not selector == null
	not _selects_own_tenant(selector)
	msg := sprintf("namespaceSelector %v reaches other tenants' namespaces; leave it out or match label %s", [
		selector,
		_pair(tenants.label, tenants.name),
	])
	path := sprintf("%s/namespaceSelector", [base])
}

deny contains {"check": "pod-affinity", "msg": msg, "path": path} if {
	_pod_affinity_judged
	some [path, wanted] in _misshapen_pod_affinity
	msg := sprintf("this has to be %s", [wanted])
}

_pod_affinity_judged if {
	input.pod.spec.affinity != null
	_has_tenant
	not _placed_by_trusted
}

# Requirements of a label selector are ANDed: one that holds it to the tenant
# is enough.
_selects_own_tenant(selector) if selector.matchLabels[tenants.label] == tenants.name

_selects_own_tenant(selector) if {
	some requirement in selector.matchExpressions
	requirement.key == tenants.label
	requirement.operator == "In"
	requirement.values == [tenants.name]
}

_own_namespaces contains input.request.namespace

_own_namespaces contains input.namespace.metadata.name

_pod_affinity_kinds := ["podAffinity", "podAntiAffinity"]

# The lists of terms that an update did not leave as they were.
_pod_term_lists contains [path, kind, list, terms] if {
	some kind in _pod_affinity_kinds
	some list in ["requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"]
	terms := input.pod.spec.affinity[kind][list]
	not _kept_pod_terms(kind, list, terms)
	path := sprintf("/spec/affinity/%s/%s", [kind, list])
}

_kept_pod_terms(kind, list, terms) if {
	_updates
	input.old_pod.spec.affinity[kind][list] == terms
}

# Every pod affinity term, with its path.
_pod_terms contains [path, term] if {
	some [base, _, "requiredDuringSchedulingIgnoredDuringExecution", terms] in _pod_term_lists
	some i, term in terms
	path := sprintf("%s/%v", [base, i])
}

_pod_terms contains [path, weighted.podAffinityTerm] if {
	some [base, _, "preferredDuringSchedulingIgnoredDuringExecution", terms] in _pod_term_lists
	some i, weighted in terms
	path := sprintf("%s/%v/podAffinityTerm", [base, i])
}

_misshapen_pod_affinity contains ["/spec/affinity", "an object"] if {
	value := input.pod.spec.affinity
	not _object_or_unset(value)
}

_misshapen_pod_affinity contains [path, "an object"] if {
	some kind in _pod_affinity_kinds
	value := input.pod.spec.affinity[kind]
	not _object_or_unset(value)
	path := sprintf("/spec/affinity/%s", [kind])
}

_misshapen_pod_affinity contains [path, "a list"] if {
	some [path, _, _, terms] in _pod_term_lists
	not _list_or_unset(terms)
}

_misshapen_pod_affinity contains [path, "an object"] if {
	some [base, _, _, terms] in _pod_term_lists
	some i, term in terms
	not is_object(term)
	path := sprintf("%s/%v", [base, i])
}

_misshapen_pod_affinity contains [path, "an object"] if {
	some [path, term] in _pod_terms
	not is_object(term)
}

_misshapen_pod_affinity contains [path, "a list"] if {
	some [base, term] in _pod_terms
	value := term.namespaces
	not _list_or_unset(value)
	path := sprintf("%s/namespaces", [base])
}
