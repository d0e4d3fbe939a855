package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/internal/certs"
)

func TestLifetimesThatDoNotFitAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want []string // nothing: accepted
	}{
		{"the defaults", []string{"--cert-mode=self"}, nil},
		{"the shortest for an overlap of a second", []string{"--cert-mode=self", "--cert-overlap=1s", "--cert-lifetime=6s", "--ca-lifetime=18s"}, nil},
		{"an unknown mode", []string{"--cert-mode=auto"}, []string{`--cert-mode "auto": want files or self`}},
		{"lifetimes of what others make", []string{"--cert-lifetime=2160h", "--ca-secret=usher-ca"}, []string{"--cert-lifetime needs --cert-mode=self", "--ca-secret needs --cert-mode=self"}},
		{"no overlap", []string{"--cert-mode=self", "--cert-overlap=0s"}, []string{"--cert-overlap is 0s, and must be at least 1s"}},
		{"a certificate shorter than six overlaps", []string{"--cert-mode=self", "--cert-lifetime=5h59m"}, []string{"--cert-lifetime is 5h59m0s, and must be at least 6 times --cert-overlap, 6h0m0s"}},
		{"an authority shorter than three certificates", []string{"--cert-mode=self", "--ca-lifetime=6479h"}, []string{"--ca-lifetime is 6479h0m0s, and must be at least 3 times --cert-lifetime, 6480h0m0s"}},
		{"negative everywhere", []string{"--cert-mode=self", "--ca-lifetime=-1h", "--cert-lifetime=-1h", "--cert-overlap=-1h"}, []string{"--cert-overlap is -1h0m0s"}},
		{"no name for the authority", []string{"--cert-mode=self", "--ca-secret="}, []string{`--ca-secret "" is no name of a Secret`}},
		{"the authority in a Secret that is mounted", []string{"--cert-mode=self", "--ca-secret=usher-webhook-tls"}, []string{`--ca-secret "usher-webhook-tls" is the Secret of a certificate`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseOptions(tt.args, &bytes.Buffer{})
			if (err == nil) != (tt.want == nil) {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestWithoutFlagsACertificateLastsForAQuarterAndAnAuthorityForThreeYears(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "elsewhere")
	o, err := parseOptions([]string{"--cert-mode=self"}, &bytes.Buffer{})
	must(t, err)
	got := o.keeper()
	want := certs.KeeperOptions{
		Namespace: "elsewhere",
		Secret:    "usher-ca",
		Leaves: []certs.LeafSecret{
			{Name: "usher-webhook-tls", Leaf: certs.Leaf{Hosts: []string{"usher-webhook.elsewhere.svc"}}},
			{Name: "usher-webhook-client-tls", Leaf: certs.Leaf{Usage: certs.ClientAuth, CommonName: "kube-apiserver"}},
			{Name: "usher-extender-tls", Leaf: certs.Leaf{Hosts: []string{"usher-extender.elsewhere.svc", "localhost", "127.0.0.1", "::1"}}},
			{Name: "usher-scheduler-client-tls", Leaf: certs.Leaf{Usage: certs.ClientAuth, CommonName: "gpu-topology-scheduler"}},
		},
		RotationOptions: certs.RotationOptions{Lifetime: 26280 * time.Hour, LeafLifetime: 2160 * time.Hour, Overlap: time.Hour},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// rules are those of a role in the manifests.
func rules(t *testing.T, kind, name string) []rbacv1.PolicyRule {
	t.Helper()
	data, err := os.ReadFile(base + "controller-rbac.yaml")
	must(t, err)
	for document := range strings.SplitSeq(string(data), "\n---\n") {
		var role rbacv1.ClusterRole
		must(t, yaml.Unmarshal([]byte(document), &role))
		if role.Kind == kind && role.Name == name {
			must(t, yaml.UnmarshalStrict([]byte(document), &role))
			return role.Rules
		}
	}
	t.Fatalf("no %s %s in the manifests", kind, name)
	return nil
}

// TestCertificatesMayBeKept compares the names that are kept with those in the
// roles. That the verbs suffice shows on a real API server.
func TestCertificatesMayBeKept(t *testing.T) {
	secrets := []string{certs.AuthoritySecret}
	for _, leaf := range certs.OwnLeaves("usher-system") {
		secrets = append(secrets, leaf.Name)
	}
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: secrets, Verbs: []string{"get", "list", "watch", "update"}},
	}
	if diff := cmp.Diff(want, rules(t, "Role", "usher-controller-certificates")); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, file := range []string{"mutating.yaml", "validating.yaml"} {
		data, err := os.ReadFile(base + file)
		must(t, err)
		for document := range strings.SplitSeq(string(data), "\n---\n") {
			var c admissionregistrationv1.ValidatingWebhookConfiguration
			must(t, yaml.Unmarshal([]byte(document), &c))
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	configurations := []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}
	want = []rbacv1.PolicyRule{
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: configurations, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: configurations, ResourceNames: slices.Compact(names), Verbs: []string{"update"}},
	}
	if diff := cmp.Diff(want, rules(t, "ClusterRole", "usher-controller-certificates")); diff != "" {
		t.Error(diff)
	}
}
