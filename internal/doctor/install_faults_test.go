package doctor

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
)

const configHead = "apiVersion: usher.dev/v1alpha1\nkind: AdmissionConfiguration\n"

// configure replaces usher's configuration.
func configure(s *Snapshot, text string) { s.ConfigMaps[1].Data[configFile] = configHead + text }

// policyDir has the webhook read a folder of policies with one file.
func policyDir(s *Snapshot, file, content string) {
	d := s.deployment(webhookName)
	spec := &d.Spec.Template.Spec
	spec.Containers[0].Args = append(spec.Containers[0].Args, "--policy-dir=/etc/usher/policies")
	spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "policies", MountPath: "/etc/usher/policies"})
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "policies", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "policies"}, Items: []corev1.KeyToPath{{Key: "file", Path: file}},
	}}})
	m := s.ConfigMaps[0].DeepCopy()
	m.Name, m.Data = "policies", map[string]string{"file": content}
	s.ConfigMaps = append(s.ConfigMaps, m)
}

var installFaults = map[string][]fault{
	"crds": {
		{name: "one is missing", plant: func(_ *testing.T, s *Snapshot) { s.CRDs = s.CRDs[1:] }, want: []string{"error CustomResourceDefinition gpunodes.usher.dev: it is not there: usher cannot start, or waits"}},
		{name: "an older one", plant: func(_ *testing.T, s *Snapshot) {
			schema := s.CRDs[1].Spec.Versions[0].Schema.OpenAPIV3Schema
			status := schema.Properties["status"]
			delete(status.Properties, "over")
			status.XValidations = nil
			schema.Properties["status"] = status
		}, want: []string{"error CustomResourceDefinition quotaledgers.usher.dev: it is older than this release of usher and lacks status.over, rule 1 of status"}},
		{name: "stored in a version that is gone, and not established", plant: func(_ *testing.T, s *Snapshot) {
			s.CRDs[0].Status.StoredVersions = []string{"v1alpha0", "v1alpha1"}
			s.CRDs[0].Status.Conditions = nil
		}, want: []string{
			"error CustomResourceDefinition gpunodes.usher.dev: objects are stored in version v1alpha0, which it no longer has",
			"error CustomResourceDefinition gpunodes.usher.dev: it is not established: …",
		}},
		{name: "no longer served", plant: func(_ *testing.T, s *Snapshot) { s.CRDs[0].Spec.Versions[0].Served = false }, want: []string{"error CustomResourceDefinition gpunodes.usher.dev: …lacks version v1alpha1"}},
		{name: "none in files", files: true, plant: func(_ *testing.T, s *Snapshot) { s.CRDs = nil }},
	},
	"rbac": {
		{name: "a right is missing", plant: func(_ *testing.T, s *Snapshot) {
			rules := find(s.ClusterRoles, "", webhookName).Rules
			find(s.ClusterRoles, "", webhookName).Rules = rules[:len(rules)-1]
		}, want: []string{"error ClusterRole usher-webhook: it does not grant what this release needs: update quotaledgers/status"}},
		{name: "everything is granted", plant: func(_ *testing.T, s *Snapshot) {
			r := &find(s.ClusterRoles, "", webhookName).Rules
			*r = (*r)[:1]
			(*r)[0].APIGroups, (*r)[0].Resources, (*r)[0].Verbs = []string{"*"}, []string{"*"}, []string{"*"}
		}},
		{name: "a role is missing, another is not bound", plant: func(_ *testing.T, s *Snapshot) {
			find(s.ClusterRoles, "", "usher-tenant-admin").Name = "other"
			find(s.RoleBindings, "", controllerName).Subjects[0].Namespace = "elsewhere"
		}, want: []string{
			"error ClusterRole usher-controller: no ClusterRoleBinding gives it to the service account usher-system/usher-controller",
			"error ClusterRole usher-tenant-admin: it is not there",
		}},
		{name: "what is not installed needs no role", plant: func(_ *testing.T, s *Snapshot) {
			find(s.ClusterRoles, "", agentName).Name = "other"
			find(s.DaemonSets, "usher-system", agentName).Name = "other"
		}},
	},
	"ledger-writers": {
		{name: "no policy", plant: func(_ *testing.T, s *Snapshot) { s.Policies = nil }, want: []string{"error ValidatingAdmissionPolicy usher-ledger-writers: it is not there: …"}},
		{name: "a binding that audits", plant: func(_ *testing.T, s *Snapshot) {
			s.Bindings[0].Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Audit}
		}, want: []string{"error ValidatingAdmissionPolicyBinding usher-ledger-writers: no binding of the policy denies: it refuses nothing"}},
		{name: "another writer", plant: func(_ *testing.T, s *Snapshot) {
			s.Policies[0].Spec.Variables[0].Expression += " || request.userInfo.username == 'me'"
		}, want: []string{"error ValidatingAdmissionPolicy usher-ledger-writers: its variables and validations are not those of this release for namespace usher-system"}},
		{name: "it ignores failures", plant: func(_ *testing.T, s *Snapshot) {
			s.Policies[0].Spec.FailurePolicy = new(admissionregistrationv1.Ignore)
		}, want: []string{"error ValidatingAdmissionPolicy usher-ledger-writers: its failurePolicy is Ignore: …"}},
	},
	"flow-schema": {{name: "none", plant: func(_ *testing.T, s *Snapshot) { s.FlowSchemas = nil }, want: []string{"warning FlowSchema usher: no FlowSchema before service-accounts names the service account usher-system/usher-webhook"}}},
	"configuration": {
		{name: "an unknown field", plant: func(_ *testing.T, s *Snapshot) { configure(s, "tenantlabel: x\n") }, want: []string{"error ConfigMap usher-system/usher-webhook-config: config.yaml is invalid: …tenantlabel…"}},
		{name: "not there", plant: func(_ *testing.T, s *Snapshot) { s.ConfigMaps = s.ConfigMaps[:1] }, want: []string{"error ConfigMap usher-system/usher-webhook-config: it is not there, and Deployment usher-webhook mounts it: …"}},
		{name: "selectors that differ", plant: func(_ *testing.T, s *Snapshot) {
			configure(s, "exemptNamespaces: [kube-system, usher-system, cert-manager]\n")
			s.Validating[0].Webhooks = s.Validating[0].Webhooks[:1]
			s.Mutating = nil
		}, want: []string{
			"warning ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev is asked about namespaces that usher's configuration exempts, and that so wait for it: cert-manager",
			"warning ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev is not asked about namespaces that usher's configuration does not exempt: kube-node-lease",
		}},
		{name: "another tenant label", plant: func(_ *testing.T, s *Snapshot) { configure(s, "tenantLabel: team\n") }, want: []string{
			"error ValidatingWebhookConfiguration usher-webhook: webhook tenants.validate.usher.dev is asked in namespaces with the label tenant, but a tenant's namespaces have the label team (tenantLabel)",
		}},
	},
	"policies-compile": {
		{name: "a parameter that there is not", plant: func(_ *testing.T, s *Snapshot) {
			configure(s, "policies: {gpu_quota: {parameters: {nothing: 1}}}\n")
		}, want: []string{"error ConfigMap usher-system/usher-webhook-config: …nothing…"}},
		{name: "a folder that does not compile", plant: func(_ *testing.T, s *Snapshot) {
			policyDir(s, "mine/mine.rego", "package usher.mine\n\ndeny contains v if {")
		}, want: []string{"error ConfigMap usher-system/policies: …mine.rego…"}},
		{name: "a folder that does", plant: func(_ *testing.T, s *Snapshot) {
			policyDir(s, "mine/mine.rego", "# METADATA\n# title: Mine\n# description: Mine.\n# custom:\n#   severity: low\n#   checks:\n#     c: it is mine\npackage usher.mine\n\ndeny contains {\"check\": \"c\", \"msg\": \"no\"} if false\n")
		}},
		{name: "a replica kept the last good set", plant: func(_ *testing.T, s *Snapshot) {
			answer(s, "usher-webhook-node-1").Detail += "\npolicies not reloaded, the last good set is in force: compile policies: x"
			answer(s, "usher-webhook-node-2").set(metricReloadOK, "", "", 0)
		}, want: []string{
			"error Pod usher-system/usher-webhook-node-1: the newest policies are not in force: compile policies: x",
			"error Pod usher-system/usher-webhook-node-2: the newest policies are not in force: …",
		}},
	},
	"policies-enforced": {{name: "by configuration and by label", plant: func(_ *testing.T, s *Snapshot) {
		configure(s, "policies: {gpu_escape: {mode: audit}, gpu_quota: {namespaceOverride: false}}\n")
		find(s.Namespaces, "", "team-a").Labels["policy.usher.dev/pod_security"] = "off"
		find(s.Namespaces, "", "team-a").Labels["policy.usher.dev/gpu_quota"] = "off"
		find(s.Namespaces, "", "team-a").Labels["policy.usher.dev/gpu_escape"] = "enforce"
		find(s.Namespaces, "", "kube-system").Labels["policy.usher.dev/pod_security"] = "off"
	}, want: []string{
		"warning ConfigMap usher-system/usher-webhook-config: 1 policy is in mode audit and refuse nothing: gpu_escape",
		"warning Namespace team-a: its labels loosen policies: pod_security (off)",
	}}},
}
