package reads

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"usher.dev/usher/internal/jsondoc"
)

// names are the keys of the fuzzed trees and documents, few so that they meet.
var names = []string{"a", "ab", "b", "spec", ""}

// treeFrom grows a tree: each pair of bytes says which step to take from which
// of the trees made so far.
func treeFrom(program []byte) *Tree {
	var changed bool
	made := []*Tree{{}}
	for i := 0; i+1 < len(program) && i < 64; i += 2 {
		at := made[int(program[i])%len(made)]
		name := names[int(program[i+1]>>3)%len(names)]
		switch program[i+1] % 8 {
		case 0, 1, 2:
			made = append(made, at.child(name, &changed))
		case 3:
			made = append(made, at.prefixed(name, &changed))
		case 4, 5:
			made = append(made, at.element(&changed))
		case 6:
			at.markOutside(&changed)
		case 7:
			at.markWhole(&changed)
		}
	}
	made[0].seal()
	return made[0]
}

// changeLeaf returns a copy of a document in which the nth scalar is another.
func changeLeaf(v any, n *int, to any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, key := range sortedKeys(v) {
			out[key] = changeLeaf(v[key], n, to)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = changeLeaf(e, n, to)
		}
		return out
	default:
		if *n--; *n == -1 {
			return to
		}
		return v
	}
}

func sortedKeys(m map[string]any) []string {
	var out []string
	ast.MustInterfaceToValue(m).(ast.Object).Foreach(func(k, _ *ast.Term) { out = append(out, string(k.Value.(ast.String))) })
	return out
}

// FuzzProject holds what the memory of verdicts rests on: documents have equal
// keys exactly when policies see the same of them, parsed or plain.
func FuzzProject(f *testing.F) {
	const document = `{"a":{"ab":[1,"x",null,{"b":true}],"b":{"spec":2.50}},"spec":{"":[[],{}],"abc":"y"},"ab":-0,"z":1e3}`
	for _, program := range [][]byte{{}, {0, 7}, {0, 0, 1, 7}, {0, 4, 1, 6}, {0, 3, 1, 4, 2, 7}, {0, 0, 1, 4, 2, 4, 3, 6, 0, 24, 4, 7, 0, 11, 5, 6}} {
		for n := range 4 {
			f.Add(program, []byte(document), []byte(`{"a":1}`), n, []byte(`"other"`))
		}
	}
	f.Fuzz(func(t *testing.T, program, first, second []byte, leaf int, to []byte) {
		tree := treeFrom(program)
		a, err := jsondoc.Object(bytes.Clone(first))
		if err != nil {
			return
		}
		agree(t, tree, a)
		if b, err := jsondoc.Object(bytes.Clone(second)); err == nil {
			compareTwo(t, tree, a, b)
		}
		if scalar, err := jsondoc.Object(append(append([]byte(`{"v":`), to...), '}')); err == nil && leaf >= 0 {
			compareTwo(t, tree, a, changeLeaf(a, &leaf, scalar["v"]).(map[string]any))
		}
	})
}

func compareTwo(t *testing.T, tree *Tree, a, b map[string]any) {
	t.Helper()
	sameKey := bytes.Equal(tree.AppendKey(nil, a), tree.AppendKey(nil, b))
	sameInput := tree.Project(a).String() == tree.Project(b).String()
	if sameKey != sameInput {
		t.Errorf("keys are the same: %v, what policies see: %v\ntree\n%s\nof %v\nand %v", sameKey, sameInput, tree, a, b)
	}
	if pa, pb := parse(t, a), parse(t, b); bytes.Equal(tree.AppendKey(nil, pa.Root()), tree.AppendKey(nil, pb.Root())) && !sameInput {
		t.Errorf("parsed, keys are the same and what policies see is not\ntree\n%s\nof %v\nand %v", tree, a, b)
	}
}

// agree checks that policies see the same of a document, plain, parsed, or plain
// with parsed parts.
func agree(t *testing.T, tree *Tree, plain map[string]any) {
	t.Helper()
	parsed := parse(t, plain)
	want := tree.Project(plain)
	mixed := map[string]any{}
	for key, v := range plain {
		mixed[key] = v
		if p := parsed.Root().Get(key); p != nil {
			mixed[key] = p
		}
	}
	for form, v := range map[string]any{"parsed": parsed.Root(), "mixed": mixed} {
		if got := tree.Project(v); got.String() != want.String() {
			t.Errorf("%s, policies see %s; plain, %s\ntree\n%s", form, got, want, tree)
		}
	}
	if whole := Whole().Project(plain); whole.Value.Compare(ast.MustInterfaceToValue(plain)) != 0 {
		t.Errorf("whole, policies see %s of %v", whole, plain)
	}
}

func parse(t *testing.T, v map[string]any) *jsondoc.Document {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d, err := jsondoc.Parse(raw)
	if err != nil {
		t.Skip("not JSON to everybody:", err) // encoding/json writes what it would not read
	}
	t.Cleanup(d.Release)
	return d
}
