package reads

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// term returns what a term may stand for.
func (a *analysis) term(sc *scope, t *ast.Term) []value {
	switch v := t.Value.(type) {
	case ast.Var:
		if v == ast.InputRootDocument.Value.(ast.Var) {
			return []value{a.root}
		}
		return sc.slot(v).list()
	case ast.Ref:
		return a.ref(sc, v)
	case ast.String:
		return []value{text(v)}
	case ast.Null, ast.Boolean, ast.Number:
		return []value{opaque{}}
	case *ast.Array:
		c := a.literal(t)
		v.Foreach(func(e *ast.Term) { a.flow(&c.each, a.term(sc, e)...) })
		return []value{c}
	case ast.Set:
		c := a.literal(t)
		v.Foreach(func(e *ast.Term) { a.flow(&c.each, a.term(sc, e)...) })
		a.consume(&c.each) // elements are compared with each other
		return []value{c}
	case ast.Object:
		return []value{a.object(sc, t, v)}
	case *ast.ArrayComprehension:
		c := a.literal(t)
		a.body(sc, v.Body)
		a.flow(&c.each, a.term(sc, v.Term)...)
		return []value{c}
	case *ast.SetComprehension:
		c := a.literal(t)
		a.body(sc, v.Body)
		a.flow(&c.each, a.term(sc, v.Term)...)
		a.consume(&c.each)
		return []value{c}
	case *ast.ObjectComprehension:
		c := a.literal(t)
		a.body(sc, v.Body)
		a.consumeAll(a.term(sc, v.Key))
		a.flow(&c.each, a.term(sc, v.Value)...)
		a.consume(&c.each) // values of equal keys are compared
		return []value{c}
	case *ast.TemplateString:
		for _, part := range v.Parts {
			switch part := part.(type) {
			case *ast.Term:
				a.consumeAll(a.term(sc, part))
			default:
				a.giveUp()
			}
		}
		return []value{opaque{}}
	default:
		a.giveUp()
		return []value{opaque{}}
	}
}

func (a *analysis) object(sc *scope, t *ast.Term, o ast.Object) *composite {
	c := a.literal(t)
	o.Foreach(func(k, v *ast.Term) {
		to := &c.each
		if key, ok := k.Value.(ast.String); ok {
			to = c.field(string(key))
		} else {
			a.consumeAll(a.term(sc, k))
		}
		a.flow(to, a.term(sc, v)...)
	})
	return c
}

func (a *analysis) literal(t *ast.Term) *composite {
	c, ok := a.terms[t]
	if !ok {
		c = &composite{}
		a.terms[t] = c
	}
	return c
}

func (c *composite) field(key string) *slot {
	f, ok := c.fields[key]
	if !ok {
		if c.fields == nil {
			c.fields = map[string]*slot{}
		}
		f = &slot{consumed: c.each.consumed}
		c.fields[key] = f
	}
	return f
}

// ref follows a reference from its head.
func (a *analysis) ref(sc *scope, ref ast.Ref) []value {
	head, ok := ref[0].Value.(ast.Var)
	if !ok {
		values := a.term(sc, ref[0])
		return a.follow(sc, values, ref[1:])
	}
	switch head {
	case ast.InputRootDocument.Value.(ast.Var):
		return a.follow(sc, []value{a.root}, ref[1:])
	case ast.DefaultRootDocument.Value.(ast.Var):
		for i := 1; i <= len(ref); i++ {
			prefix := ref[:i]
			if !prefix.IsGround() {
				break
			}
			if name := prefix.String(); len(a.rules[name]) > 0 {
				return a.follow(sc, a.virtual(name).list(), ref[i:])
			}
		}
		// A whole package, or one that the input chooses.
		a.giveUp()
		return []value{opaque{}}
	default:
		return a.follow(sc, sc.slot(head).list(), ref[1:])
	}
}

func (a *analysis) follow(sc *scope, values []value, path []*ast.Term) []value {
	for _, t := range path {
		values = a.step(values, a.key(sc, t))
	}
	return values
}

// key returns what a key in a reference may be: texts and prefixes, or nil for
// any key.
func (a *analysis) key(sc *scope, t *ast.Term) []value {
	values := a.term(sc, t)
	if v, ok := t.Value.(ast.Var); ok && len(values) == 0 {
		a.unbound[sc.slot(v)] = struct{}{} // not known yet; see freeIndexes
		return []value{}
	}
	known := len(values) > 0
	for _, v := range values {
		switch v.(type) {
		case text, prefix:
		default:
			known = false
		}
	}
	if known {
		return values
	}
	a.consumeAll(values) // a key is compared whole
	return nil
}

// step returns what stands under the keys of values; nil keys are all of them.
func (a *analysis) step(values, keys []value) []value {
	var out []value
	for _, v := range values {
		switch v := v.(type) {
		case *Tree:
			if keys == nil {
				out = append(out, v.element(&a.changed))
			}
			for _, k := range keys {
				switch k := k.(type) {
				case text:
					out = append(out, v.child(string(k), &a.changed))
				case prefix:
					out = append(out, v.prefixed(string(k), &a.changed))
				}
			}
		case *composite:
			out = append(out, v.each.list()...)
			for name, f := range v.fields {
				if keys == nil || slices.ContainsFunc(keys, func(k value) bool {
					p, ok := k.(prefix)
					return k == value(text(name)) || ok && strings.HasPrefix(name, string(p))
				}) {
					out = append(out, f.list()...)
				}
			}
		case opaque:
			out = append(out, v)
		}
	}
	return out
}
