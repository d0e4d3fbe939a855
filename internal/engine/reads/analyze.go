package reads

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// KindPath is where an input names the kind of the object under review.
var KindPath = ast.MustParseRef("input.request.kind.kind")

// Analyze returns the paths of the input that the rules at entrypoints can
// read, directly or through any rule or function that they use, in the modules
// of a compiler that has compiled without errors. With a kind, the paths that they
// can read of inputs in which KindPath is that kind: a rule that asks for another
// kind cannot hold there. An empty kind stands for every kind.
//
// It is a points-to analysis that ignores the order of expressions and the
// calling context of functions. What it does not understand counts as a read
// of everything that flows into it, so the tree may name too much and never
// too little.
func Analyze(c *ast.Compiler, kind string, entrypoints ...ast.Ref) *Tree {
	a := &analysis{
		kind:      kind,
		root:      &Tree{},
		rules:     map[string][]*ast.Rule{},
		scopes:    map[*ast.Rule]*scope{},
		terms:     map[*ast.Term]*composite{},
		sets:      map[string]*composite{},
		unbound:   map[*slot]struct{}{},
		functions: map[string]*slot{},
	}
	for _, module := range c.Modules {
		for _, rule := range module.Rules {
			key := rule.Ref().GroundPrefix().String()
			a.rules[key] = append(a.rules[key], rule)
		}
	}
	for _, ref := range entrypoints {
		a.consume(a.virtual(ref.String()))
	}
	for {
		a.changed = false
		for i := 0; i < len(a.reached); i++ { // grows while it runs
			a.rule(a.reached[i])
		}
		if !a.changed && !a.freeIndexes() {
			break
		}
	}
	a.root.seal()
	return a.root
}

type analysis struct {
	kind    string
	root    *Tree
	changed bool

	// rules are all rules by the ground prefix of their reference.
	rules map[string][]*ast.Rule
	// reached are the rules that an entrypoint uses, in order of discovery.
	reached []*ast.Rule
	scopes  map[*ast.Rule]*scope

	// terms are the composites that literals and comprehensions build.
	terms map[*ast.Term]*composite
	// sets are the composites that partial rules build, by rule reference.
	sets map[string]*composite
	// functions are the results of functions and complete rules, by reference.
	functions map[string]*slot

	// unbound are slots without a value that stand as a key somewhere.
	unbound map[*slot]struct{}
}

// value is what a variable may stand for: a *Tree (a place in the input), a
// *composite (something that the policy builds), a text (a string constant), a
// prefix (a string that begins so) or an opaque (anything else, which holds
// nothing of the input).
type value any

type (
	text   string
	prefix string
	opaque struct{}
)

// slot is the set of values that a variable, field or result may have.
type slot struct {
	values map[value]struct{}
	// consumed says that all of it is read, whatever it turns out to be.
	consumed bool
}

// composite is an array, object or set that a policy builds.
type composite struct {
	fields map[string]*slot // of an object literal
	each   slot             // every other element or value
}

func (a *analysis) add(s *slot, v value) {
	if _, ok := s.values[v]; ok {
		return
	}
	if s.values == nil {
		s.values = map[value]struct{}{}
	}
	s.values[v] = struct{}{}
	a.changed = true
	if s.consumed {
		a.consumeValue(v)
	}
}

func (a *analysis) flow(to *slot, from ...value) {
	for _, v := range from {
		a.add(to, v)
	}
}

func (a *analysis) consume(s *slot) {
	if s.consumed {
		return
	}
	s.consumed = true
	a.changed = true
	for v := range s.values {
		a.consumeValue(v)
	}
}

func (a *analysis) consumeValue(v value) {
	switch v := v.(type) {
	case *Tree:
		v.markWhole(&a.changed)
	case *composite:
		for _, f := range v.fields {
			a.consume(f)
		}
		a.consume(&v.each)
	}
}

func (a *analysis) consumeAll(values []value) {
	for _, v := range values {
		a.consumeValue(v)
	}
}

// look reads values from outside.
func (a *analysis) look(values []value) {
	for _, v := range values {
		if t, ok := v.(*Tree); ok {
			t.markOutside(&a.changed)
		}
	}
}

func (s *slot) list() []value {
	out := make([]value, 0, len(s.values))
	for v := range s.values {
		out = append(out, v)
	}
	return out
}

// giveUp reads the whole input: the answer where nothing better is known.
func (a *analysis) giveUp() { a.root.markWhole(&a.changed) }

// virtual returns the slot of the rules with that reference and marks them as
// reached.
func (a *analysis) virtual(ref string) *slot {
	if s, ok := a.functions[ref]; ok {
		return s
	}
	s := &slot{}
	a.functions[ref] = s
	rules := a.rules[ref]
	definitions := 0
	for _, rule := range rules {
		if !rule.Default {
			definitions++
		}
		for r := rule; r != nil; r = r.Else {
			a.reached = append(a.reached, r)
			sc := newScope(r, a.arity)
			a.scopes[r] = sc
			for v, p := range sc.prefixes() {
				a.add(sc.slot(v), p)
			}
		}
	}
	if definitions > 1 {
		// Several definitions must agree, so their results are compared.
		a.consume(s)
	}
	a.changed = true
	return s
}

// rule adds what one rule, or one branch of an else chain, reads and returns.
func (a *analysis) rule(r *ast.Rule) {
	sc := a.scopes[r]
	if a.asksForAnotherKind(sc, r.Body) {
		return
	}
	a.body(sc, r.Body)

	head := r.Head
	ref := head.Ref()
	result := a.functions[r.Ref().GroundPrefix().String()]
	switch {
	case head.Key != nil && head.Value == nil: // contains
		set := a.partial(r)
		a.flow(&set.each, a.term(sc, head.Key)...)
		a.consume(&set.each)
		a.consumeReference(sc, ref)
		a.add(result, set)
	case len(ref) > len(ref.GroundPrefix()): // partial object
		object := a.partial(r)
		a.flow(&object.each, a.term(sc, head.Value)...)
		a.consume(&object.each)
		a.consumeReference(sc, ref)
		a.add(result, object)
	case head.Value != nil:
		a.flow(result, a.term(sc, head.Value)...)
	}
}

// asksForAnotherKind reports whether a body cannot hold for the assumed kind:
// one of its conditions compares KindPath with another one, or looks for it among
// others, or is a rule that does.
func (a *analysis) asksForAnotherKind(sc *scope, body ast.Body) bool {
	if a.kind == "" {
		return false
	}
	for _, e := range body {
		if e.Negated || len(e.With) > 0 {
			continue
		}
		if x, y, ok := equality(e); ok {
			if isKind(x) && isOther(y, a.kind) || isKind(y) && isOther(x, a.kind) {
				a.ref(sc, KindPath) // the comparison itself is made
				return true
			}
			continue
		}
		if among, ok := kindIsAmong(body, e); ok && !among.Contains(ast.InternedTerm(a.kind)) {
			a.ref(sc, KindPath)
			return true
		}
		if a.isOfAnotherKind(sc, e) {
			return true
		}
	}
	return false
}

// isOfAnotherKind reports whether an expression is the value of a rule that has
// none for the assumed kind.
func (a *analysis) isOfAnotherKind(sc *scope, e *ast.Expr) bool {
	term, ok := e.Terms.(*ast.Term)
	if !ok {
		return false
	}
	ref, ok := term.Value.(ast.Ref)
	if !ok {
		return false
	}
	rules := a.rules[ref.String()]
	for _, r := range rules {
		if r.Default || r.Else != nil || len(r.Head.Args) > 0 || r.Head.Key != nil || !a.asksForAnotherKind(sc, r.Body) {
			return false
		}
	}
	return len(rules) > 0
}

func isKind(t *ast.Term) bool {
	ref, ok := t.Value.(ast.Ref)
	return ok && ref.Equal(KindPath)
}

func isOther(t *ast.Term, kind string) bool {
	text, ok := t.Value.(ast.String)
	return ok && string(text) != kind
}

// kindIsAmong returns the constant set that an expression looks for KindPath in.
// The compiler gives what is looked for a variable of its own.
func kindIsAmong(body ast.Body, e *ast.Expr) (ast.Set, bool) {
	if !e.IsCall() || e.Operator().String() != ast.Member.Name {
		return nil, false
	}
	looked, in := e.Operand(0), e.Operand(1)
	set, ok := in.Value.(ast.Set)
	if !ok || !isFlat(in) {
		return nil, false
	}
	for _, definition := range body {
		x, y, ok := equality(definition)
		if ok && !definition.Negated && len(definition.With) == 0 && (x.Equal(looked) && isKind(y) || y.Equal(looked) && isKind(x)) {
			return set, true
		}
	}
	return nil, false
}

func (a *analysis) partial(r *ast.Rule) *composite {
	key := r.Ref().GroundPrefix().String()
	c, ok := a.sets[key]
	if !ok {
		c = &composite{}
		a.sets[key] = c
	}
	return c
}

func (a *analysis) consumeReference(sc *scope, ref ast.Ref) {
	for _, t := range ref[1:] {
		a.consumeAll(a.term(sc, t))
	}
}

// freeIndexes gives every key that nothing binds the value "any key", and
// reports whether that changed anything.
func (a *analysis) freeIndexes() bool {
	for s := range a.unbound {
		if len(s.values) == 0 {
			a.add(s, opaque{})
		}
	}
	clear(a.unbound)
	return a.changed
}

// arity returns the number of arguments of a function or builtin, -1 if there
// is none of that name.
func (a *analysis) arity(name string) int {
	if rules, ok := a.rules[name]; ok && len(rules[0].Head.Args) > 0 {
		return len(rules[0].Head.Args)
	}
	if builtin, ok := ast.BuiltinMap[name]; ok {
		return builtin.Decl.Arity()
	}
	return -1
}
