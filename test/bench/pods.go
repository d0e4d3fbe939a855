package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

//go:embed testdata/clean.yaml
var cleanYAML []byte

//go:embed testdata/violations.json
var violationsJSON []byte

// cleanPod is a pod that every policy admits; its slots are what differs
// between the pods of one ReplicaSet.
func cleanPod() ([]byte, error) { return yaml.YAMLToJSONStrict(cleanYAML) }

// violatingPod is the clean pod with at least one violation of every policy that
// judges pods.
func violatingPod() ([]byte, error) {
	pod, err := cleanPod()
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(violationsJSON)
	if err != nil {
		return nil, fmt.Errorf("decode the violations: %w", err)
	}
	return patch.Apply(pod)
}

// object is a part of a pod as YAML writes it.
type object = map[string]any

// shapes returns pods with slots that differ in what they are made of, not only
// in what is in their slots: in the number of containers, volumes, variables,
// arguments, ports, labels and annotations.
func shapes(count int) ([][]byte, error) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same pods in every run
	out := make([][]byte, count)
	for i := range out {
		var pod object
		if err := yaml.UnmarshalStrict(cleanYAML, &pod); err != nil {
			return nil, err
		}
		vary(pod, r)
		var err error
		if out[i], err = json.Marshal(pod); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func vary(pod object, r *rand.Rand) {
	metadata, spec := pod["metadata"].(object), pod["spec"].(object)
	metadata["generateName"] = "${word1}-"
	metadata["name"] = "${word1}-${suffix1}"
	labels, annotations := metadata["labels"].(object), metadata["annotations"].(object)
	labels["app.kubernetes.io/name"], labels["pod-template-hash"] = "${word1}", "${word2}"
	for i := range r.IntN(4) {
		labels[fmt.Sprintf("team.example/%d", i)] = slot("word", 10+i)
	}
	for i := range r.IntN(4) {
		annotations[fmt.Sprintf("build.example/%d", i)] = slot("uuid", 10+i)
	}
	owner := metadata["ownerReferences"].([]any)[0].(object)
	owner["name"], owner["uid"] = "${word1}", "${uuid2}"

	volumes := spec["volumes"].([]any)
	containers := spec["containers"].([]any)
	main := containers[0].(object)
	main["name"] = "${word3}"
	main["image"] = "registry.example/${word4}/${word1}:1.${number1}"
	fill(main, r, 20)
	if r.IntN(3) == 0 {
		delete(main, "livenessProbe")
	}
	if r.IntN(2) == 0 { // no GPU
		delete(labels, v1alpha1.ReservationLabel)
		for _, section := range []string{"limits", "requests"} {
			delete(main["resources"].(object)[section].(object), "nvidia.com/gpu")
		}
	}
	for i := range r.IntN(3) {
		volumes = append(volumes, object{"name": slot("word", 60+i), "configMap": object{"name": slot("word", 60+i), "defaultMode": 420}})
		main["volumeMounts"] = append(main["volumeMounts"].([]any), object{"name": slot("word", 60+i), "mountPath": "/etc/" + slot("word", 60+i)})
	}
	sidecars := r.IntN(3)
	for i := range sidecars {
		containers = append(containers, sidecar(r, 30+10*i))
	}
	if r.IntN(3) == 0 {
		spec["initContainers"] = []any{sidecar(r, 50)}
	}
	spec["volumes"], spec["containers"] = volumes, containers
}

// sidecar is a further container; its slots are numbered from first on.
func sidecar(r *rand.Rand, first int) object {
	c := object{
		"name":                     slot("word", first),
		"image":                    "registry.example/" + slot("word", first+1) + ":1." + slot("number", first),
		"resources":                object{"limits": object{}, "requests": object{}},
		"terminationMessagePath":   "/dev/termination-log",
		"terminationMessagePolicy": "File",
		"imagePullPolicy":          "IfNotPresent",
		"volumeMounts":             []any{object{"name": "kube-api-access-${suffix2}", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}},
		"securityContext":          object{"allowPrivilegeEscalation": false, "capabilities": object{"drop": []any{"ALL"}}},
	}
	fill(c, r, first+2)
	return c
}

// fill gives a container variables, arguments, ports and amounts of its own.
func fill(c object, r *rand.Rand, first int) {
	args, env := []any{}, []any{}
	for i := range 1 + r.IntN(4) {
		args = append(args, "--"+slot("word", first+i)+"="+slot("number", first+i))
	}
	for i := range 1 + r.IntN(6) {
		env = append(env, object{"name": fmt.Sprintf("SETTING_%d", i), "value": slot("word", first+i)})
	}
	c["args"], c["env"] = args, env
	c["ports"] = []any{object{"containerPort": 8080 + r.IntN(100), "protocol": "TCP"}}
	resources := c["resources"].(object)
	limits, requests := resources["limits"].(object), resources["requests"].(object)
	limits["cpu"], requests["cpu"] = slot("cpulimit", first), slot("cpurequest", first)
	limits["memory"], requests["memory"] = slot("memlimit", first), slot("memrequest", first)
}

func slot(kind string, number int) string { return fmt.Sprintf("${%s%d}", kind, number) }
