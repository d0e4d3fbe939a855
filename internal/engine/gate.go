package engine

import (
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/open-policy-agent/opa/v1/ast"

	"usher.dev/usher/internal/engine/reads"
)

// ruleApplies is the rule by which a policy says whether it has anything to say
// of an input. It reads less than the rules that say it, so that most inputs are
// known by it: a pod without a GPU, whatever its CPU limit.
const ruleApplies = "applies"

// ruleReserve is the rule by which a policy says why GPU units may not be reserved.
// It is asked apart from the others, again whenever the ledger has changed.
const ruleReserve = "deny_reservation"

// gate remembers for which inputs a policy applies.
type gate struct {
	reads, ofPods *reads.Tree
	known         *lru.Cache[[sha256.Size]byte, bool]
}

// newGate returns the gate of a policy, nil if it has no such rule.
func newGate(c *ast.Compiler, policy string) (*gate, error) {
	ref := appliesRef(policy)
	rules := c.GetRulesExact(ref)
	if len(rules) == 0 {
		return nil, nil
	}
	for _, r := range rules {
		if r.Head.Key != nil || len(r.Head.Args) > 0 {
			return nil, fmt.Errorf("rule %s at %s is not a condition: write `%s if …`", ruleApplies, r.Location, ruleApplies)
		}
	}
	known, err := lru.New[[sha256.Size]byte, bool](rememberedInputs)
	if err != nil {
		return nil, err
	}
	return &gate{reads: reads.Analyze(c, "", ref), ofPods: reads.Analyze(c, kindPod, ref), known: known}, nil
}

func appliesRef(policy string) ast.Ref {
	return ast.MustParseRef("data.usher." + policy + "." + ruleApplies)
}

// readsOf returns what the gate reads of a document.
func (g *gate) readsOf(doc map[string]any) *reads.Tree { return treeOf(doc, g.reads, g.ofPods) }
