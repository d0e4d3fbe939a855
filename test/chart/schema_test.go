package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLintFindsNothing(t *testing.T) {
	for _, name := range append(profiles, "") {
		args := []string{"lint", "--strict", "--quiet", "-n", namespace, chartPath}
		if name != "" {
			args = append(args, profile(name)...)
		}
		if output, err := run(t, "helm", args...); err != nil || output != "" {
			t.Errorf("%q: %v\n%s", name, err, output)
		}
	}
}

// TestWrongValuesAreRefused wants the path of the value and what is wrong with it.
func TestWrongValuesAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  string
		want []string
	}{
		{"a value that is not there", "webhook.replica=3", []string{"/webhook", "'replica' not allowed"}},
		{"a part that is not there", "webhoook.replicas=3", []string{"'webhoook' not allowed"}},
		{"no replicas", "controller.replicas=0", []string{"/controller/replicas", "minimum: got 0, want 1"}},
		{"replicas in words", "scheduler.replicas=two", []string{"/scheduler/replicas", "got string, want integer"}},
		{"a mode of certificates that is not there", "certificates.mode=vault", []string{"/certificates/mode", "'self', 'cert-manager', 'files'"}},
		{"a bundle that is injected", "certificates.caBundle=-----BEGIN CERTIFICATE-----", []string{"/certificates/caBundle", "value must be ''"}},
		{"a bundle in base64", "certificates.mode=files,certificates.caBundle=LS0tLS1C", []string{"/certificates/caBundle", "does not match pattern"}},
		{"lifetimes of what others make", "certificates.mode=cert-manager,certificates.overlap=2h", []string{"/certificates/overlap", "value must be ''"}},
		{"a lifetime without a unit", "certificates.certificateLifetime='90'", []string{"/certificates/certificateLifetime", "does not match pattern"}},
		{"a registry with a scheme", "image.registry=https://registry.example.com", []string{"/image/registry", "does not match pattern"}},
		{"a tag that is a number", "image.tag=1", []string{"/image/tag", "got number, want string"}},
		{"a digest of no image", "image.digests.usherd=sha256:1", []string{"/image/digests", "'usherd' not allowed"}},
		{"a digest that is cut short", "image.digests.usher=sha256:1", []string{"/image/digests/usher", "does not match pattern"}},
		{"no limit of memory", "webhook.resources.limits.memory=null", []string{"/webhook/resources/limits", "missing property 'memory'"}},
		{"a limit of memory in bytes", "webhook.resources.limits.memory=512000000", []string{"/webhook/resources/limits/memory", "want string"}},
		{"a policy's mode without quotes", "config.policies.pod_security.mode=false", []string{"/config/policies/pod_security/mode", "'enforce', 'warn', 'audit', 'off'"}},
		{"a field that no configuration has", "config.exemptNamespace={a}", []string{"/config", "'exemptNamespace' not allowed"}},
		{"usher judges itself", "config.exemptNamespaces={kube-system}", []string{`config.exemptNamespaces must list "usher-system"`, "has to start while usher is down"}},
		{"usher judges kube-system", "config.exemptNamespaces={usher-system}", []string{`config.exemptNamespaces must list "kube-system"`}},
		{"more time than the API server gives", "webhook.timeoutSeconds=60", []string{"/webhook/timeoutSeconds", "maximum: got 60, want 30"}},
		{"failing otherwise", "webhook.failurePolicy=Open", []string{"/webhook/failurePolicy", "'Fail', 'Ignore'"}},
		{"policies of a ConfigMap without their folders", "webhook.policies.configMapName=rules", []string{"/webhook/policies/items", "minItems: got 0, want 1"}},
		{"a flag without dashes", "webhook.extraArgs={verbose}", []string{"/webhook/extraArgs/0", "does not match pattern"}},
		{"a label that selects the pods", "webhook.podLabels.app\\.kubernetes\\.io/name=other", []string{"/webhook/podLabels/app.kubernetes.io~1name", "false schema"}},
		{"a toleration misspelt", "agent.tolerations[0].operators=Exists", []string{"/agent/tolerations/0", "'operators' not allowed"}},
		{"a source that is not there", "agent.source=amd", []string{"/agent/source", "does not match pattern"}},
		{"a folder that is none", "agent.kubeletDir=kubelet", []string{"/agent/kubeletDir", "does not match pattern"}},
		{"a port out of range", "networkPolicy.apiServer.ports={0}", []string{"/networkPolicy/apiServer/ports/0", "minimum: got 0, want 1"}},
		{"an address without a range", "networkPolicy.apiServer.cidrs={10.0.0.1}", []string{"/networkPolicy/apiServer/cidrs/0", "does not match pattern"}},
		{"a collector's URL", "tracing.endpoint=http://otel:4317", []string{"/tracing/endpoint", "does not match pattern"}},
		{"an older kube-scheduler's name", "scheduler.image.tag=latest", []string{"/scheduler/image/tag", "does not match pattern"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := run(t, "helm", "template", "usher", chartPath, "-n", namespace, "--set", tt.set)
			if err == nil {
				t.Fatal("it is rendered")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
}

func TestAnOlderClusterIsRefused(t *testing.T) {
	_, err := run(t, "helm", "template", "usher", chartPath, "-n", namespace, "--kube-version", "v1.29.9")
	if err == nil || !strings.Contains(err.Error(), ">=1.30.0-0") {
		t.Error(err)
	}
	for _, version := range []string{"v1.30.0", "v1.34.1-eks-4c1e1d1", "v1.37.2"} {
		if _, err := run(t, "helm", "template", "usher", chartPath, "-n", namespace, "--kube-version", version); err != nil {
			t.Error(version, err)
		}
	}
}

// TestEveryValueIsInTheSchemaAndTheFile: the file shows all that the schema takes,
// and the schema lets no object take what it does not know.
func TestEveryValueIsInTheSchemaAndTheFile(t *testing.T) {
	schema := schemaOf(t)
	content, err := os.ReadFile(filepath.Join(root, chartPath, "values.yaml"))
	must(t, err)
	values := decode(t, string(content))[0]
	delete(value(schema, "properties").(map[string]any), "global") // Helm's own
	compareValues(t, "", schema, values)
}

// free are the objects whose keys are the user's own.
var free = map[string]bool{".config": true, ".image.digests": true, ".scheduler.extender.config": true}

func schemaOf(t testing.TB) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, chartPath, "values.schema.json"))
	must(t, err)
	var schema map[string]any
	must(t, json.Unmarshal(raw, &schema))
	return schema
}

func compareValues(t *testing.T, path string, schema, values map[string]any) {
	t.Helper()
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return
	}
	if schema["additionalProperties"] != false {
		t.Errorf("%s takes what the schema does not know", path)
	}
	if free[path] {
		return
	}
	for key, property := range properties {
		if _, shown := values[key]; !shown {
			t.Errorf("values.yaml does not show %s.%s", path, key)
		}
		if inner, ok := values[key].(map[string]any); ok {
			compareValues(t, path+"."+key, property.(map[string]any), inner)
		}
	}
	for key := range values {
		if properties[key] == nil {
			t.Errorf("the schema does not know %s.%s", path, key)
		}
	}
}
