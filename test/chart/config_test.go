package chart

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
)

// configuration reads the webhook's configuration out of rendered objects, as
// strictly as the webhook does.
func configuration(t testing.TB, objects []object) *v1alpha1.AdmissionConfiguration {
	t.Helper()
	cfg, err := config.Parse([]byte(text(find(objects, "ConfigMap", "usher-webhook-config"), "data", "config.yaml")))
	must(t, err)
	return cfg
}

func TestTheConfigurationIsThatOfTheFilesAndTheValuesOver(t *testing.T) {
	cfg := configuration(t, render(t, set("config.defaultMode=warn", "config.policies.gpu_scheduling.parameters.route=false")...))
	if cfg.DefaultMode != "warn" || string(cfg.Policies["gpu_scheduling"].Parameters["route"].Raw) != "false" || len(cfg.PodTemplates) < 10 {
		t.Errorf("%+v", cfg)
	}
	if cfg := configuration(t, render(t)); len(cfg.Policies) != 0 {
		t.Errorf("in usher-system the policies' own defaults hold: %+v", cfg.Policies)
	}
}

// TestTheRegistrationFollowsTheConfiguration compares selectors and conditions with
// the namespaces and the label that the configuration names.
func TestTheRegistrationFollowsTheConfiguration(t *testing.T) {
	objects := render(t, set("config.exemptNamespaces={kube-system,usher-system,cni}", "config.tenantLabel=example.com/team")...)
	if cfg := configuration(t, objects); cfg.TenantLabel != "example.com/team" || len(cfg.ExemptNamespaces) != 3 {
		t.Fatalf("%+v", cfg)
	}
	exempt := []any{"kube-system", "usher-system", "cni"}
	condition := "!(has(request.namespace) && request.namespace in ['kube-system', 'usher-system', 'cni'])"
	for _, k := range []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"} {
		for _, w := range value(find(objects, k, "usher-webhook"), "webhooks").([]any) {
			want := []any{object{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": exempt}}
			if text(w, "name") == "tenants.validate.usher.dev" {
				want = append(want, object{"key": "example.com/team", "operator": "Exists"})
			}
			if diff := cmp.Diff(want, value(w, "namespaceSelector", "matchExpressions")); diff != "" {
				t.Errorf("%s: %s", text(w, "name"), diff)
			}
			if got := text(w, "matchConditions", "namespace-is-judged", "expression"); got != condition {
				t.Errorf("%s: %s", text(w, "name"), got)
			}
		}
	}
	extender := text(find(objects, "ConfigMap", "gpu-topology-scheduler-config"), "data", "extender-config.yaml")
	if !strings.Contains(extender, "tenantLabel: example.com/team") {
		t.Error(extender)
	}
}

// TestAnotherNamespace: nothing that is rendered says usher-system but the kinds,
// which reserve the name for no tenant, and every parameter whose default names a
// service account there is set.
func TestAnotherNamespace(t *testing.T) {
	must(t, read())
	text, err := run(t, "helm", "template", "usher", chartPath, "-n", "gpu-admission")
	must(t, err)
	objects := decode(t, text)
	for _, o := range objects {
		if kind(o) == "CustomResourceDefinition" {
			continue
		}
		encoded, err := json.Marshal(o)
		must(t, err)
		if strings.Contains(string(encoded), namespace) {
			t.Errorf("%s %s still says %s", kind(o), name(o), namespace)
		}
	}
	cfg := configuration(t, objects)
	for policy, parameters := range defaults(t) {
		for parameter, value := range parameters {
			if !strings.Contains(string(value), namespace) {
				continue
			}
			want := strings.ReplaceAll(string(value), namespace, "gpu-admission")
			if diff := cmp.Diff(parse(t, want), parse(t, string(cfg.Policies[policy].Parameters[parameter].Raw))); diff != "" {
				t.Errorf("parameter %s of %s: %s", parameter, policy, diff)
			}
		}
	}
	if got := string(cfg.Policies["tenant_claims"].Parameters["reserved_namespaces"].Raw); got != `["gpu-admission"]` {
		t.Errorf("namespaces that no Tenant may list: %s", got)
	}
}

func parse(t testing.TB, text string) (v any) {
	t.Helper()
	must(t, yaml.Unmarshal([]byte(text), &v))
	return v
}

// defaults are those of all parameters, by policy.
func defaults(t testing.TB) map[string]map[string]json.RawMessage {
	t.Helper()
	output, err := output(t, "go", "run", "./cmd/usher", "policy", "list", "-o", "json")
	must(t, err)
	var policies []struct {
		Name       string
		Parameters map[string]struct{ Default json.RawMessage }
	}
	must(t, json.Unmarshal(output, &policies))
	all := map[string]map[string]json.RawMessage{}
	for _, policy := range policies {
		all[policy.Name] = map[string]json.RawMessage{}
		for name, parameter := range policy.Parameters {
			all[policy.Name][name] = parameter.Default
		}
	}
	return all
}

// output runs a command in the root of the repository.
func output(t testing.TB, name string, args ...string) ([]byte, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = root
	return command.Output()
}

// TestTheSchemaKnowsTheConfigurations compares the fields of both configuration
// files with what the schema lets values set.
func TestTheSchemaKnowsTheConfigurations(t *testing.T) {
	schema := schemaOf(t)
	for path, configuration := range map[string]any{
		"config":                    v1alpha1.AdmissionConfiguration{},
		"scheduler/extender/config": v1alpha1.ExtenderConfiguration{},
	} {
		at := any(schema)
		for step := range strings.SplitSeq(path, "/") {
			at = value(at, "properties", step)
		}
		var known []string
		for field := range value(at, "properties").(map[string]any) {
			known = append(known, field)
		}
		slices.Sort(known)
		if want := fieldsOf(reflect.TypeOf(configuration)); !slices.Equal(known, want) {
			t.Errorf("%s takes %q, want %q", path, known, want)
		}
	}
}

// fieldsOf are the fields of a configuration file.
func fieldsOf(configuration reflect.Type) []string {
	names := []string{"apiVersion", "kind"}
	for i := range configuration.NumField() {
		if tag, _, _ := strings.Cut(configuration.Field(i).Tag.Get("json"), ","); tag != "" {
			names = append(names, tag)
		}
	}
	slices.Sort(names)
	return names
}

// flag is one of a program's, as its help shows it.
var flag = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`)

// TestProgramsTakeTheFlagsThatTheChartGivesThem asks each program for its flags.
func TestProgramsTakeTheFlagsThatTheChartGivesThem(t *testing.T) {
	everything := set("webhook.clientCertificates.required=true", "webhook.policies.configMapName=rules", "webhook.policies.items[0].key=a", "webhook.policies.items[0].path=a/a.rego",
		"scheduler.extender.tls=true", "certificates.authorityLifetime=26280h", "certificates.certificateLifetime=2160h", "certificates.overlap=1h",
		"tracing.endpoint=otel:4317", "tracing.insecure=true", "monitoring.enabled=true")
	programs := map[string][]string{}
	for _, pod := range pods(t, render(t, everything...)) {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			image, _, _ := strings.Cut(c.Image, ":")
			programs[image] = append(programs[image], c.Args...)
		}
	}
	for _, o := range render(t, everything...) {
		if kind(o) == "Job" {
			var job struct{ Spec struct{ Template struct{ Spec struct{ Containers []struct{ Args []string } } } } }
			encoded, err := json.Marshal(o)
			must(t, err)
			must(t, json.Unmarshal(encoded, &job))
			args := job.Spec.Template.Spec.Containers[0].Args
			programs["usher "+args[0]] = append(programs["usher "+args[0]], args[1:]...)
		}
	}
	if len(programs) != 7 {
		t.Errorf("programs %v", programs)
	}
	delete(programs, "registry.k8s.io/kube-scheduler") // its command is the image's
	for program, args := range programs {
		words := strings.Fields(program)
		command := exec.CommandContext(t.Context(), "go", append([]string{"run", "./cmd/" + words[0]}, append(words[1:], "--help")...)...)
		command.Dir = root
		var help bytes.Buffer
		command.Stdout, command.Stderr = &help, &help
		_ = command.Run() // some exit with another code after their help
		var known []string
		for _, found := range flag.FindAllStringSubmatch(help.String(), -1) {
			known = append(known, found[1])
		}
		for _, arg := range args {
			if name, _, _ := strings.Cut(arg, "="); !slices.Contains(known, name) {
				t.Errorf("%s takes no %s; it takes %v", program, name, known)
			}
		}
	}
}
