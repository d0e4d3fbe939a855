package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// refuseUndefined returns an error for every reference to data that no rule
// defines. OPA lets them be, since data may come from elsewhere. Here there is no
// other data, so that such a reference is a typing error, and a rule that holds it
// would never fire.
func refuseUndefined(c *ast.Compiler) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		ast.WalkTerms(c.Modules[name], func(t *ast.Term) bool {
			ref, ok := t.Value.(ast.Ref)
			if ok && ref.HasPrefix(ast.DefaultRootRef) && !defined(c, ref) {
				errs = append(errs, fmt.Errorf("%s: nothing defines %s", t.Location, ref))
			}
			return false
		})
	}
	return errors.Join(errs...)
}

func defined(c *ast.Compiler, ref ast.Ref) bool {
	return len(c.GetRulesForVirtualDocument(ref)) > 0 || len(c.GetRulesWithPrefix(ref.GroundPrefix())) > 0
}
