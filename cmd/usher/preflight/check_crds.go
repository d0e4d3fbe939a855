package preflight

import (
	"slices"
)

// crds hold only versions that this usher knows, and stay.
func crds(_ Options, facts *Facts) []Finding {
	var findings []Finding
	for _, name := range kinds {
		crd := facts.CRDs[name]
		if crd == nil {
			continue
		}
		if crd.DeletionTimestamp != nil {
			findings = append(findings, wrong("wait until it is gone, with all of its objects; what holds them up is in their finalizers",
				"CRD %s is being deleted", name))
			continue
		}
		unknown := slices.DeleteFunc(slices.Clone(crd.Status.StoredVersions), func(v string) bool { return slices.Contains(facts.Versions, v) })
		if len(unknown) > 0 {
			findings = append(findings, wrong("install the release of usher that brought them, or a newer one; from there, migrate what is stored before you go back",
				"CRD %s has objects stored as %s, which this release does not know; it knows %s", name, listed(unknown), listed(facts.Versions)))
		}
	}
	if len(findings) == 0 {
		if len(facts.CRDs) == 0 {
			return []Finding{fine("not there yet")}
		}
		return []Finding{fine("%d there, stored in versions that this release knows", len(facts.CRDs))}
	}
	return findings
}
