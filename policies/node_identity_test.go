package policies_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

// gpuNodeWrite is one way to write the GPUNode n1.
type gpuNodeWrite struct {
	user      string
	nodes     []string // in the user's token
	name      string
	operation string
	reports   bool // an update changes more than metadata
	owners    string
}

const (
	agentAccount = "system:serviceaccount:usher-system:usher-agent"
	collector    = "system:serviceaccount:kube-system:generic-garbage-collector"
)

// gpuNodeWrites are all there are of each kind.
func gpuNodeWrites() []gpuNodeWrite {
	var all []gpuNodeWrite
	for _, user := range []string{agentAccount, "root", "alice", collector} {
		for _, nodes := range [][]string{nil, {}, {""}, {"n1"}, {"n2"}, {"n1", "n2"}} {
			for _, name := range []string{"n1", ""} {
				for _, owners := range []string{"none", "own", "foreign", "foreign before"} {
					all = append(all,
						gpuNodeWrite{user, nodes, name, "CREATE", true, owners},
						gpuNodeWrite{user, nodes, name, "UPDATE", true, owners},
						gpuNodeWrite{user, nodes, name, "UPDATE", false, owners},
					)
				}
			}
		}
	}
	return all
}

func (w gpuNodeWrite) input() verdict.Input {
	metadata, old := map[string]any{"labels": map[string]any{"a": "b"}}, map[string]any{}
	if w.name != "" {
		metadata["name"], old["name"] = w.name, w.name
	}
	own := map[string]any{"apiVersion": "v1", "kind": "Node", "name": "n1"}
	foreign := map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "n1"}
	switch w.owners {
	case "own":
		metadata["ownerReferences"] = []any{own}
	case "foreign":
		metadata["ownerReferences"] = []any{own, foreign}
	case "foreign before":
		metadata["ownerReferences"], old["ownerReferences"] = []any{foreign}, []any{foreign}
	}
	user := map[string]any{"username": w.user, "groups": []any{"system:authenticated"}}
	if w.user == "root" {
		user["groups"] = []any{"system:masters"}
	}
	if w.nodes != nil {
		nodes := make([]any, len(w.nodes))
		for i, node := range w.nodes {
			nodes[i] = node
		}
		user["extra"] = map[string]any{"authentication.kubernetes.io/node-name": nodes}
	}
	report := func(sequence int64) map[string]any {
		return map[string]any{"bootID": "b", "sequence": sequence}
	}
	request := map[string]any{
		"kind":      map[string]any{"group": "usher.dev", "version": "v1alpha1", "kind": "GPUNode"},
		"operation": w.operation, "userInfo": user,
		"object": map[string]any{"kind": "GPUNode", "metadata": metadata, "status": report(2)},
	}
	if w.operation == "UPDATE" {
		before := report(2)
		if w.reports {
			before = report(1)
		}
		request["oldObject"] = map[string]any{"kind": "GPUNode", "metadata": old, "status": before}
	}
	return verdict.Input{Request: request}
}

// checks are those that the write has to fail.
func (w gpuNodeWrite) checks() []string {
	checks := []string{}
	switch {
	case w.user == "root":
	case w.user != agentAccount:
		if w.reports {
			checks = append(checks, "writer")
		}
	case len(w.nodes) != 1 || w.nodes[0] == "":
		checks = append(checks, "token")
	case w.nodes[0] != w.name:
		checks = append(checks, "node")
	}
	switch {
	// The Node n1 is not that of a GPUNode whose name is still to come.
	case w.owners == "own" && w.name == "":
		checks = append(checks, "owner")
	case w.owners == "foreign":
		checks = append(checks, "owner")
		if w.name == "" {
			checks = append(checks, "owner")
		}
	case w.owners == "foreign before" && w.operation == "CREATE":
		checks = append(checks, "owner")
	}
	slices.Sort(checks)
	return checks
}

// TestEveryWriteOfAGPUNode asks all policies about every kind of writer, token,
// change and owner: node_identity says what it has to, the others nothing.
func TestEveryWriteOfAGPUNode(t *testing.T) {
	set := shipped(t)
	for _, w := range gpuNodeWrites() {
		got := []string{}
		for _, result := range set.Validate(t.Context(), w.input()) {
			if result.Err != nil {
				t.Fatalf("%+v: %s: %v", w, result.Policy, result.Err)
			}
			for _, f := range slices.Concat(result.Deny, result.Warn, result.Audit) {
				if f.Policy != "node_identity" {
					f.Check = fmt.Sprint("another policy's: ", f)
				}
				got = append(got, f.Check)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(w.checks(), got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", w, diff)
		}
	}
}
