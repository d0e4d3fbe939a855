package engine

import (
	"fmt"
	"maps"
	"slices"

	"usher.dev/usher/internal/verdict"
)

// CheckParameters implements verdict.Policies.
func (s *Set) CheckParameters(parameters map[string]any) (wrong, unknown []verdict.Finding) {
	known := map[string]*policy{}
	for _, p := range s.policies {
		known[p.Name] = p
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		p, ok := known[name]
		if !ok {
			unknown = append(unknown, verdict.Finding{
				Policy:  name,
				Message: fmt.Sprintf("there is no policy %q; there are %v", name, slices.Sorted(maps.Keys(known))),
			})
			continue
		}
		if _, err := p.ownParameters(parameters); err != nil {
			wrong = append(wrong, verdict.Finding{Policy: name, Message: err.Error()})
		}
	}
	return wrong, unknown
}
