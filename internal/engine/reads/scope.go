package reads

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// scope holds the variables of one rule. The compiler has given every variable
// of a rule a name of its own, so comprehensions and every need no scope.
// Variables that are unified with each other share one slot.
type scope struct {
	rule   *ast.Rule
	parent map[ast.Var]ast.Var // union-find
	slots  map[ast.Var]*slot
	// definers counts the places that give a variable a value, scalars the
	// constants among them.
	definers map[ast.Var]int
	scalars  map[ast.Var]int
	// indexes are the variables that stand as a key in some reference.
	indexes map[ast.Var]struct{}
}

// newScope collects the variables of a rule. arity gives the number of
// arguments of a function, -1 if there is no such function.
func newScope(r *ast.Rule, arity func(name string) int) *scope {
	sc := &scope{
		rule:     r,
		parent:   map[ast.Var]ast.Var{},
		slots:    map[ast.Var]*slot{},
		definers: map[ast.Var]int{},
		scalars:  map[ast.Var]int{},
		indexes:  map[ast.Var]struct{}{},
	}
	// Unions come first: definers are counted by class.
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		if x, y, ok := equality(e); ok {
			vx, okX := x.Value.(ast.Var)
			vy, okY := y.Value.(ast.Var)
			if okX && okY {
				sc.union(vx, vy)
			}
		}
		return false
	})
	for _, arg := range r.Head.Args {
		sc.define(arg)
	}
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		sc.count(e, arity)
		return false
	})
	ast.WalkRefs(r, func(ref ast.Ref) bool {
		for _, t := range ref[1:] {
			if v, ok := t.Value.(ast.Var); ok {
				sc.indexes[v] = struct{}{}
			}
		}
		return false
	})
	return sc
}

// count counts the variables that an expression gives a value to.
func (sc *scope) count(e *ast.Expr, arity func(name string) int) {
	if every, ok := e.Terms.(*ast.Every); ok {
		sc.define(every.Key)
		sc.define(every.Value)
		return
	}
	if !e.IsCall() {
		return
	}
	if x, y, ok := equality(e); ok {
		_, okX := x.Value.(ast.Var)
		_, okY := y.Value.(ast.Var)
		switch {
		case okX && okY: // one class
		case okX:
			sc.defineAs(x, y)
		case okY:
			sc.defineAs(y, x)
		}
		return
	}
	operands := e.Operands()
	if n := arity(e.Operator().String()); n >= 0 && len(operands) > n {
		sc.define(operands[n])
	}
}

func (sc *scope) define(t *ast.Term) {
	if t == nil {
		return
	}
	if v, ok := t.Value.(ast.Var); ok {
		sc.definers[sc.find(v)]++
	}
}

// defineAs counts t = value.
func (sc *scope) defineAs(t, value *ast.Term) {
	sc.define(t)
	if isScalar(value) {
		sc.scalars[sc.find(t.Value.(ast.Var))]++
	}
}

// bound reports whether something other than a literal around it gives a
// variable its value.
func (sc *scope) bound(v ast.Var) bool {
	if sc.definers[sc.find(v)] > 0 {
		return true
	}
	_, ok := sc.indexes[v]
	return ok
}

// compared reports whether a variable has a value from several places, which
// therefore are compared with each other. A comparison with a constant that is no
// array, object or set does not look into what it compares.
func (sc *scope) compared(v ast.Var) bool {
	root := sc.find(v)
	return sc.definers[root]-sc.scalars[root] > 1
}

// comparedWithScalar reports whether a variable is compared with a constant that
// is no array, object or set.
func (sc *scope) comparedWithScalar(v ast.Var) bool {
	root := sc.find(v)
	return sc.scalars[root] > 0 && sc.definers[root] > 1
}

func isScalar(t *ast.Term) bool {
	switch t.Value.(type) {
	case ast.String, ast.Number, ast.Boolean, ast.Null:
		return true
	}
	return false
}

// isFlat reports whether a term is a constant collection of scalars.
func isFlat(t *ast.Term) bool {
	switch v := t.Value.(type) {
	case *ast.Array:
		return !v.Until(func(e *ast.Term) bool { return !isScalar(e) })
	case ast.Set:
		return !v.Until(func(e *ast.Term) bool { return !isScalar(e) })
	}
	return false
}

func (sc *scope) slot(v ast.Var) *slot {
	root := sc.find(v)
	s, ok := sc.slots[root]
	if !ok {
		s = &slot{}
		sc.slots[root] = s
	}
	return s
}

func (sc *scope) find(v ast.Var) ast.Var {
	for {
		p, ok := sc.parent[v]
		if !ok || p == v {
			return v
		}
		v = p
	}
}

func (sc *scope) union(x, y ast.Var) {
	rx, ry := sc.find(x), sc.find(y)
	if rx != ry {
		sc.parent[rx] = ry
	}
}

// equality returns both sides of a unification or assignment.
func equality(e *ast.Expr) (x, y *ast.Term, ok bool) {
	if !e.IsEquality() && !e.IsAssignment() {
		return nil, nil, false
	}
	operands := e.Operands()
	if len(operands) != 2 {
		return nil, nil, false
	}
	return operands[0], operands[1], true
}
