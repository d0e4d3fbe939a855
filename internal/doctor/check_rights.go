package doctor

import "strings"

var checkRights = &Check{
	ID:    "tenant-rights",
	Title: "owners of tenants cannot get round usher",
	Why: "Whoever may change webhook configurations, Tenants or usher's namespace decides what is judged: no policy binds an owner " +
		"of a tenant who may.",
	Needs: []Kind{kindRights},
	Live:  true,
	run: func(s *Snapshot) (found []Finding) {
		for i := 0; i < len(s.Rights); {
			r, deeds := s.Rights[i], []string{}
			for ; i < len(s.Rights) && s.Rights[i].Owner == r.Owner; i++ {
				deeds = append(deeds, s.Rights[i].Deed)
			}
			name := r.Owner.Name
			if r.Owner.Namespace != "" {
				name = r.Owner.Namespace + "/" + name
			}
			found = append(found, errorOf(Object{"Tenant", "", r.Tenant}, "find the binding: `kubectl auth can-i --list --as …`, and take it away, or name somebody else as owner",
				"its owner %s %s may %s", r.Owner.Kind, name, strings.Join(deeds, ", ")))
		}
		return found
	},
}
