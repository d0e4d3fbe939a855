package chart

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tenant = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: team-a, finalizers: [usher.dev/tenant]}
spec: {namespaces: [team-a], gpu: {perTenant: "4"}}
---
apiVersion: usher.dev/v1alpha1
kind: QuotaLedger
metadata: {name: team-a}
spec: {}
`

// TestTheLifeOfARelease installs, upgrades, uninstalls and installs again.
func TestTheLifeOfARelease(t *testing.T) {
	hooks := runJobs(t)
	install := []string{"install", "usher", chart, "--create-namespace", "--timeout", "60s"}

	// A check that fails stops the installation, before anything is there.
	must(t, apiServerAt(t.Context(), 8443))
	code, output := helmRun(t, install...)
	runs := hooks.take()
	if code == 0 || len(runs) == 0 || runs[0].code != 1 || !strings.Contains(runs[0].output, "usher may reach the ports 443, 6443, and the API server listens at 8443") {
		t.Fatalf("installed with what cannot work: exit %d\n%s\n%+v", code, output, runs)
	}
	all := rendered(t)
	if there := present(t, all); len(there) > 0 {
		t.Errorf("what the check refused is there: %v", there)
	}
	helmDoes(t, "uninstall", "usher")
	must(t, apiServerAt(t.Context(), 6443))
	hooks.take()

	notes := helmDoes(t, install...)
	if !strings.Contains(notes, "usher devel is installed in usher-system.") || !strings.Contains(notes, "usher doctor") {
		t.Errorf("notes:\n%s", notes)
	}
	established(t)
	admits(t, firstTenant(t, notes))
	runs = hooks.take()
	if len(runs) != 1 || runs[0].code != 0 || !strings.HasPrefix(runs[0].arguments, "preflight --for=install --namespace=usher-system --cert-mode=self --agent") {
		t.Errorf("hooks: %+v", runs)
	}
	if there := present(t, all); len(there) != len(all) {
		t.Errorf("%d of %d objects are there: %v", len(there), len(all), there)
	}

	// What the controller writes into the webhook configurations stays.
	bundle := inject(t)
	if got := bundles(t); !slices.Equal(got, []string{bundle}) {
		t.Fatalf("CA bundles %q", got)
	}

	t.Run("an upgrade without a change changes nothing", func(t *testing.T) {
		before := versions(t, all)
		helmDoes(t, "upgrade", "usher", chart, "--timeout", "60s")
		if diff := cmp.Diff(before, versions(t, all)); diff != "" {
			t.Error(diff)
		}
		if runs := hooks.take(); len(runs) != 1 || runs[0].code != 0 || !strings.HasPrefix(runs[0].arguments, "preflight --for=upgrade ") {
			t.Errorf("hooks: %+v", runs)
		}
	})

	t.Run("an upgrade of the configuration rolls webhook and controller", func(t *testing.T) {
		before := versions(t, all)
		helmDoes(t, "upgrade", "usher", chart, "--timeout", "60s", "--set", "config.defaultMode=audit")
		var changed []string
		for key, version := range versions(t, all) {
			if version != before[key] {
				changed = append(changed, key)
			}
		}
		slices.Sort(changed)
		if want := []string{"ConfigMap usher-webhook-config", "Deployment usher-controller", "Deployment usher-webhook"}; !slices.Equal(changed, want) {
			t.Errorf("changed %v, want %v", changed, want)
		}
		if got := bundles(t); !slices.Equal(got, []string{bundle}) {
			t.Errorf("CA bundles %q", got)
		}
		hooks.take()
	})

	helmDoes(t, "uninstall", "usher", "--timeout", "60s")
	unregistered(t, hooks.take(), "0 of 0 Tenants released: they stay, and can be deleted\n")
	if order := deletions(t); len(order) < 3 || order[0] != "validatingwebhookconfigurations" || order[1] != "mutatingwebhookconfigurations" ||
		!slices.Contains(order[2:], "deployments") {
		t.Errorf("deleted in the order %v", order)
	}
	if left, want := present(t, all), kept(all); !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}

	// Nobody judges what tenants do now, and installed again usher finds what there is.
	must(t, plane.ApplyYAML(t.Context(), tenant))
	before := uids(t)
	helmDoes(t, install...)
	if there := present(t, all); len(there) != len(all) {
		t.Errorf("installed again: %d of %d objects are there: %v", len(there), len(all), there)
	}
	hooks.take()
	helmDoes(t, "uninstall", "usher", "--timeout", "60s")
	unregistered(t, hooks.take(), "1 of 1 Tenants released: they stay, and can be deleted\n")
	if got := uids(t); got != before || len(strings.Fields(got)) != 2 {
		t.Errorf("Tenants and ledgers %s, were %s", got, before)
	}
	if got := kubectl(t, "get", "tenant", "team-a", "-o", "jsonpath={.metadata.finalizers}"); got != "" {
		t.Errorf("finalizers %s", got)
	}
	// What a Tenant needs in order to go is not there any more, and not needed.
	kubectl(t, "delete", "tenant", "--all", "--timeout=20s")
	kubectl(t, "delete", "crd", "--timeout=20s", "tenants.usher.dev", "quotaledgers.usher.dev", "gpunodes.usher.dev")
}

// firstTenant is the manifest that the notes tell to apply.
func firstTenant(t *testing.T, notes string) string {
	t.Helper()
	_, rest, begins := strings.Cut(notes, "<<END\n")
	manifest, _, ends := strings.Cut(rest, "     END\n")
	if !begins || !ends {
		t.Fatalf("the notes show no Tenant:\n%s", notes)
	}
	return manifest
}

// admits asks the API server whether it knows all of a manifest. Whether usher would
// admit it, nobody answers here.
func admits(t *testing.T, manifest string) {
	t.Helper()
	_, complaint, err := plane.Kubectl(t.Context(), manifest, "create", "--dry-run=client", "--validate=strict", "-f", "-")
	if err != nil {
		t.Errorf("%v%s", err, complaint)
	}
}

// unregistered checks the hooks of an uninstallation.
func unregistered(t *testing.T, runs []jobRun, released string) {
	t.Helper()
	if len(runs) != 2 || runs[0].name != "usher-unregister" || runs[1].name != "usher-release-tenants" || runs[0].code != 0 || runs[1].code != 0 {
		t.Fatalf("hooks: %+v", runs)
	}
	if want := "ValidatingWebhookConfiguration usher-webhook deleted\nMutatingWebhookConfiguration usher-webhook deleted\n"; runs[0].output != want {
		t.Errorf("got %s, want %s", runs[0].output, want)
	}
	if want := "usher is not registered\n" + released; runs[1].output != want {
		t.Errorf("got %s, want %s", runs[1].output, want)
	}
}

// uids are those of all Tenants and ledgers.
func uids(t *testing.T) string {
	t.Helper()
	return kubectl(t, "get", "tenants,quotaledgers", "-o", "jsonpath={.items[*].metadata.uid}")
}
