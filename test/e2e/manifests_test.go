package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// TestOverlaysAreAccepted applies every overlay for real to a control plane of
// its own, and again, when nothing may change.
func TestOverlaysAreAccepted(t *testing.T) {
	programs, err := controlplane.FindPrograms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plane, err := controlplane.New(t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{ControlPlane: plane}
	t.Cleanup(c.release)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	installCertManagerKinds(t, c)
	overlays, err := filepath.Glob(filepath.Join(repository.Root(), "manifests", "overlays", "*"))
	if err != nil || len(overlays) == 0 {
		t.Fatalf("found no overlays: %v", err)
	}
	for _, overlay := range append([]string{"base", "agent"}, overlays...) {
		name, _ := strings.CutPrefix(overlay, filepath.Join(repository.Root(), "manifests")+"/")
		t.Run(name, func(t *testing.T) {
			objects, err := repository.Manifests(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			c.applyForVersions(t, objects)
			// A new CRD gets a status meanwhile, which is a change as well.
			waitForKinds(t, c)
			second, third := c.applyForVersions(t, objects), c.applyForVersions(t, objects)
			if second != third {
				t.Errorf("applied again, objects changed from\n%s to\n%s", second, third)
			}
			if injectors := c.injectors(t); injectors != injectorsOf[name] {
				t.Errorf("CA bundles come from %q, want %q", injectors, injectorsOf[name])
			}
		})
	}
}

// injectorsOf says who is asked to write the CA bundles of both configurations.
var injectorsOf = map[string]string{
	"overlays/cert-manager": "cert-manager:usher-system/usher-webhook cert-manager:usher-system/usher-webhook ",
	"overlays/dev":          "usher:self usher:self ",
	"overlays/production":   "usher:self usher:self ",
}

func (c *cluster) injectors(t *testing.T) string {
	t.Helper()
	output, _, err := c.Kubectl(t.Context(), "", "get", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o",
		`go-template={{range .items}}{{range $key, $value := .metadata.annotations}}{{if eq $key "cert-manager.io/inject-ca-from"}}cert-manager:{{$value}} {{end}}{{if eq $key "usher.dev/inject-ca"}}usher:{{$value}} {{end}}{{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// applyForVersions applies objects and returns their names and versions.
func (c *cluster) applyForVersions(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	manifest, err := repository.Encode(objects...)
	if err != nil {
		t.Fatal(err)
	}
	output, _, err := c.Kubectl(t.Context(), manifest, "apply", "--server-side", "-f", "-",
		"-o", `jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// installCertManagerKinds installs the CRDs of the cert-manager that usher's
// go.mod names.
func installCertManagerKinds(t *testing.T, c *cluster) {
	t.Helper()
	folder, err := moduleFolder(t.Context(), "github.com/cert-manager/cert-manager")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"cert-manager.io_certificates.yaml", "cert-manager.io_issuers.yaml"} {
		if _, _, err := c.Kubectl(t.Context(), "", "apply", "--server-side", "-f", filepath.Join(folder, "deploy", "crds", file)); err != nil {
			t.Fatal(err)
		}
	}
	waitForKinds(t, c)
}

func waitForKinds(t *testing.T, c *cluster) {
	t.Helper()
	if err := c.WaitForKinds(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// moduleFolder returns where a module that usher requires is kept.
func moduleFolder(ctx context.Context, module string) (string, error) {
	output, err := repository.Run(ctx, "go", "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	return downloaded.Dir, json.Unmarshal(output, &downloaded)
}

// TestUshersOwnPodsAreRestricted asks usher about usher: its own pods, in a
// namespace that is judged by the strictest standard.
func TestUshersOwnPodsAreRestricted(t *testing.T) {
	objects, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	if err := shared.ApplyYAML(t.Context(),
		`{apiVersion: v1, kind: Namespace, metadata: {name: own, labels: {pod-security.kubernetes.io/enforce: restricted}}}`); err != nil {
		t.Fatal(err)
	}
	var deployed []string
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		deployed = append(deployed, object.GetName())
		object.SetNamespace("own")
		u := shared.admin(t)
		if _, err := u.create(t.Context(), deployments, object); err != nil {
			t.Error(err)
		}
		if warned := u.warnings.take(); len(warned) > 0 {
			t.Errorf("%s: warned of %q", object.GetName(), warned)
		}
	}
	if want := []string{controller.Name, webhook.Name}; !slices.Equal(deployed, want) {
		t.Errorf("Deployments %q, want %q", deployed, want)
	}
}

// TestManifestsAgree compares what is said in more than one place.
func TestManifestsAgree(t *testing.T) {
	objects, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := repository.ShippedConfiguration(objects)
	if err != nil {
		t.Fatal(err)
	}
	configuration := struct {
		TenantLabel      string
		ExemptNamespaces []string
		PodTemplates     []struct{ Group, Kind string }
	}{TenantLabel: "tenant"} // its default
	if err := yaml.Unmarshal([]byte(shipped), &configuration); err != nil {
		t.Fatal(err)
	}
	condition := "!(has(request.namespace) && request.namespace in ['" + strings.Join(configuration.ExemptNamespaces, "', '") + "'])"
	registered, _ := webhook.SplitRegistration(objects)
	for _, object := range registered {
		for _, hook := range webhooksOf(t, object) {
			exempted := false
			for _, selected := range hook.NamespaceSelector.MatchExpressions {
				switch {
				case selected.Operator == "NotIn" && selected.Key == "kubernetes.io/metadata.name" && slices.Equal(selected.Values, configuration.ExemptNamespaces):
					exempted = true
				case selected.Operator == "Exists" && selected.Key == configuration.TenantLabel:
				default:
					t.Errorf("%s selects namespaces by %+v; the configuration exempts %v and knows tenants by the label %s",
						hook.Name, selected, configuration.ExemptNamespaces, configuration.TenantLabel)
				}
			}
			if !exempted {
				t.Errorf("%s does not exempt %v", hook.Name, configuration.ExemptNamespaces)
			}
			if !slices.ContainsFunc(hook.MatchConditions, func(c matchCondition) bool { return c.Expression == condition }) {
				t.Errorf("%s has no match condition %s", hook.Name, condition)
			}
			if hook.FailurePolicy != "Fail" || hook.TimeoutSeconds != 5 {
				t.Errorf("%s fails by %s after %d s, want Fail after 5 s", hook.Name, hook.FailurePolicy, hook.TimeoutSeconds)
			}
			if hook.Name != "validate.usher.dev" {
				continue
			}
			for _, template := range configuration.PodTemplates {
				resource := strings.ToLower(template.Kind) + "s"
				if !slices.ContainsFunc(hook.Rules, func(r rule) bool {
					return slices.Contains(r.APIGroups, template.Group) && slices.Contains(r.Resources, resource)
				}) {
					t.Errorf("%s has no rule for %s.%s, which the configuration says holds pods", hook.Name, resource, template.Group)
				}
			}
		}
	}
}

// TestManagedObjectsWaitForNoPlatform compares the match conditions that let the
// platform pass with whom the policy managed_objects lets pass.
func TestManagedObjectsWaitForNoPlatform(t *testing.T) {
	output, err := repository.Run(t.Context(), "go", "run", "./cmd/usher", "policy", "list", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var policies []struct {
		Name       string
		Parameters map[string]struct{ Default json.RawMessage }
	}
	if err := json.Unmarshal(output, &policies); err != nil {
		t.Fatal(err)
	}
	var users, groups []string
	for _, policy := range policies {
		if policy.Name != "managed_objects" {
			continue
		}
		for _, parameter := range []string{"platform", "cluster_controllers"} {
			var identities struct{ Users, Groups []string }
			if err := json.Unmarshal(policy.Parameters[parameter].Default, &identities); err != nil {
				t.Fatal(err)
			}
			users, groups = append(users, identities.Users...), append(groups, identities.Groups...)
		}
	}
	condition := fmt.Sprintf("!(request.userInfo.username in ['%s']) && !(has(request.userInfo.groups) && request.userInfo.groups.exists(group, group in ['%s']))",
		strings.Join(users, "', '"), strings.Join(groups, "', '"))
	objects, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	registered, _ := webhook.SplitRegistration(objects)
	for _, object := range registered {
		for _, hook := range webhooksOf(t, object) {
			if slices.ContainsFunc(hook.MatchConditions, func(c matchCondition) bool { return c.Expression == condition }) {
				found = append(found, hook.Name)
			}
		}
	}
	if want := []string{"managed.validate.usher.dev", "tenants.validate.usher.dev"}; !slices.Equal(found, want) {
		t.Errorf("the webhooks %v have the match condition, want %v:\n%s", found, want, condition)
	}
}

type (
	registration struct {
		Name              string
		FailurePolicy     string
		TimeoutSeconds    int
		NamespaceSelector struct {
			MatchExpressions []struct {
				Key, Operator string
				Values        []string
			}
		}
		MatchConditions []matchCondition
		Rules           []rule
	}
	matchCondition struct{ Expression string }
	rule           struct{ APIGroups, Resources []string }
)

func webhooksOf(t *testing.T, configuration *unstructured.Unstructured) []registration {
	t.Helper()
	encoded, err := json.Marshal(configuration.Object["webhooks"])
	if err != nil {
		t.Fatal(err)
	}
	var webhooks []registration
	if err := json.Unmarshal(encoded, &webhooks); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", configuration.GetKind(), err))
	}
	return webhooks
}
