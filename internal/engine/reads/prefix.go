package reads

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// prefixes returns the variables that run over the keys of objects and of which
// only those keys matter that begin with a text: the body in which such a variable
// lives has startswith(variable, "text") among its conditions, so that it fails for
// every other key.
func (sc *scope) prefixes() map[ast.Var]prefix {
	out := map[ast.Var]prefix{}
	find := func(home any, body ast.Body) {
		for _, e := range body {
			v, p, ok := startsWith(e)
			if !ok || sc.definers[sc.find(v)] > 0 {
				continue
			}
			if _, isIndex := sc.indexes[v]; isIndex && sc.occurrences(home, v) == sc.occurrences(sc.rule, v) {
				out[v] = p
			}
		}
	}
	find(sc.rule, sc.rule.Body)
	ast.WalkTerms(sc.rule, func(t *ast.Term) bool {
		switch c := t.Value.(type) {
		case *ast.ArrayComprehension:
			find(t, c.Body)
		case *ast.SetComprehension:
			find(t, c.Body)
		case *ast.ObjectComprehension:
			find(t, c.Body)
		}
		return false
	})
	return out
}

func startsWith(e *ast.Expr) (ast.Var, prefix, bool) {
	if e.Negated || len(e.With) > 0 || !e.IsCall() || e.Operator().String() != ast.StartsWith.Name {
		return "", "", false
	}
	operands := e.Operands()
	if len(operands) != 2 {
		return "", "", false
	}
	v, isVar := operands[0].Value.(ast.Var)
	p, isText := operands[1].Value.(ast.String)
	return v, prefix(p), isVar && isText
}

// occurrences counts how often a variable, or one that it is unified with,
// stands in a part of the rule.
func (sc *scope) occurrences(in any, v ast.Var) int {
	n := 0
	ast.WalkVars(in, func(other ast.Var) bool {
		if sc.find(other) == sc.find(v) {
			n++
		}
		return false
	})
	return n
}
