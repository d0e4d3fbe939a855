package reads

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

func (a *analysis) body(sc *scope, body ast.Body) {
	for _, e := range body {
		a.expression(sc, e)
	}
}

func (a *analysis) expression(sc *scope, e *ast.Expr) {
	if len(e.With) > 0 {
		a.giveUp()
		return
	}
	switch terms := e.Terms.(type) {
	case *ast.Term:
		a.look(a.term(sc, terms)) // a test for truth
	case *ast.SomeDecl:
	case *ast.Every:
		a.every(sc, terms)
	case []*ast.Term:
		if x, y, ok := equality(e); ok {
			a.unify(sc, x, y)
			return
		}
		a.call(sc, terms[0], terms[1:])
	default:
		a.giveUp()
	}
}

func (a *analysis) every(sc *scope, every *ast.Every) {
	elements := a.step(a.term(sc, every.Domain), nil)
	if v, ok := every.Value.Value.(ast.Var); ok {
		a.flow(sc.slot(v), elements...)
		a.consumeCompared(sc, v)
	} else {
		a.consumeAll(elements)
	}
	if every.Key != nil {
		if v, ok := every.Key.Value.(ast.Var); ok {
			a.add(sc.slot(v), opaque{})
		}
	}
	a.body(sc, every.Body)
}

// unify handles x = y. One side being a variable, it takes the other's value;
// everything else compares.
func (a *analysis) unify(sc *scope, x, y *ast.Term) {
	vx, okX := x.Value.(ast.Var)
	vy, okY := y.Value.(ast.Var)
	switch {
	case okX && okY:
		a.consumeCompared(sc, vx)
	case okX:
		a.bind(sc, vx, y)
	case okY:
		a.bind(sc, vy, x)
	default:
		a.compare(sc, x, y)
	}
}

// compare reads both sides of a comparison: the outside of a value is enough
// where the other side is a scalar constant.
func (a *analysis) compare(sc *scope, x, y *ast.Term) {
	vx, vy := a.term(sc, x), a.term(sc, y)
	if isScalar(x) || isScalar(y) {
		a.look(vx)
		a.look(vy)
		return
	}
	a.consumeAll(vx)
	a.consumeAll(vy)
}

func (a *analysis) bind(sc *scope, v ast.Var, t *ast.Term) {
	s := sc.slot(v)
	a.flow(s, a.term(sc, t)...)
	a.consumeCompared(sc, v)
	if isPattern(sc, t) {
		// The literal takes the variable's value apart.
		a.consume(s)
	}
}

func (a *analysis) consumeCompared(sc *scope, v ast.Var) {
	switch {
	case sc.compared(v):
		a.consume(sc.slot(v))
	case sc.comparedWithScalar(v):
		a.look(sc.slot(v).list())
	}
}

// isPattern reports whether a literal holds a variable that nothing else binds.
func isPattern(sc *scope, t *ast.Term) bool {
	switch t.Value.(type) {
	case *ast.Array, ast.Object:
	default:
		return false
	}
	pattern := false
	ast.WalkVars(t, func(v ast.Var) bool {
		// The heads of references and wildcards are variables as well; a
		// wildcard takes apart without binding.
		if !sc.bound(v) && v != ast.InputRootDocument.Value.(ast.Var) && v != ast.DefaultRootDocument.Value.(ast.Var) {
			pattern = true
		}
		return pattern
	})
	return pattern
}

// call handles a statement f(args…, result). The result is there when the
// call has one operand more than the function has arguments.
func (a *analysis) call(sc *scope, operator *ast.Term, operands []*ast.Term) {
	ref, ok := operator.Value.(ast.Ref)
	if !ok {
		a.giveUp()
		return
	}
	name := ref.String()
	if rules, ok := a.rules[name]; ok && len(rules[0].Head.Args) > 0 {
		a.callFunction(sc, name, rules, operands)
		return
	}
	builtin, ok := ast.BuiltinMap[name]
	if !ok {
		a.giveUp()
		return
	}
	args := operands
	var result *ast.Term
	if n := builtin.Decl.Arity(); len(operands) > n {
		args, result = operands[:n], operands[n]
	}
	values := a.builtin(sc, name, args)
	a.assign(sc, result, values)
}

func (a *analysis) callFunction(sc *scope, name string, rules []*ast.Rule, operands []*ast.Term) {
	result := a.virtual(name)
	n := len(rules[0].Head.Args)
	if len(operands) < n {
		a.giveUp()
		return
	}
	for _, rule := range rules {
		for r := rule; r != nil; r = r.Else {
			for i, param := range r.Head.Args {
				values := a.term(sc, operands[i])
				if v, ok := param.Value.(ast.Var); ok {
					callee := a.scopes[r]
					a.flow(callee.slot(v), values...)
					a.consumeCompared(callee, v)
				} else {
					a.consumeAll(values) // matched against a pattern
				}
			}
		}
	}
	if len(operands) > n {
		a.assign(sc, operands[n], result.list())
	} else {
		a.look(result.list()) // a test for truth
	}
}

// assign gives the result of a call to the term that takes it.
func (a *analysis) assign(sc *scope, t *ast.Term, values []value) {
	if t == nil {
		return
	}
	if v, ok := t.Value.(ast.Var); ok {
		a.flow(sc.slot(v), values...)
		a.consumeCompared(sc, v)
		return
	}
	a.consumeAll(values)
	a.consumeAll(a.term(sc, t))
}

// builtin returns what a builtin's result may hold of the input. Most read
// their arguments to the end and return something new.
func (a *analysis) builtin(sc *scope, name string, args []*ast.Term) []value {
	switch name {
	case ast.Count.Name, ast.ObjectKeys.Name:
		values := a.term(sc, args[0])
		a.look(values)      // the length of a string
		a.step(values, nil) // its keys, not its values
		return []value{opaque{}}
	case ast.IsArray.Name, ast.IsObject.Name, ast.IsSet.Name, ast.TypeNameBuiltin.Name,
		ast.IsString.Name, ast.IsNumber.Name, ast.IsBoolean.Name, ast.IsNull.Name:
		a.look(a.term(sc, args[0]))
		return []value{opaque{}}
	case ast.Equal.Name, ast.NotEqual.Name, ast.LessThan.Name, ast.LessThanEq.Name, ast.GreaterThan.Name, ast.GreaterThanEq.Name:
		a.compare(sc, args[0], args[1])
		return []value{opaque{}}
	case ast.Member.Name:
		a.member(sc, args[0], args[1])
		return []value{opaque{}}
	case ast.ArrayConcat.Name, ast.Or.Name:
		return append(a.term(sc, args[0]), a.term(sc, args[1])...)
	case ast.ObjectGet.Name:
		return append(a.objectGet(sc, args[0], args[1]), a.term(sc, args[2])...)
	}
	for _, arg := range args {
		a.consumeAll(a.term(sc, arg))
	}
	return []value{opaque{}}
}

// member reads x in xs, which compares x with every element.
func (a *analysis) member(sc *scope, x, xs *ast.Term) {
	element, elements := a.term(sc, x), a.term(sc, xs)
	switch {
	case isFlat(xs):
		a.look(element)
	case isScalar(x):
		a.look(a.step(elements, nil))
	default:
		a.consumeAll(element)
		a.consumeAll(elements)
	}
}

func (a *analysis) objectGet(sc *scope, object, key *ast.Term) []value {
	values := a.term(sc, object)
	if path, ok := key.Value.(*ast.Array); ok {
		path.Foreach(func(t *ast.Term) { values = a.step(values, a.key(sc, t)) })
		return values
	}
	keys := a.key(sc, key)
	if keys == nil {
		// A key that is not known may be a path of any length.
		a.consumeAll(values)
		return []value{opaque{}}
	}
	return a.step(values, keys)
}
