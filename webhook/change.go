package webhook

import (
	"maps"
	"reflect"
	"slices"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

// change says what an update does to a pod or pod template.
type change int

const (
	unchanged change = iota
	// metadataChanged: labels or annotations differ, the spec does not.
	metadataChanged
	changed
)

// compare says how a pod or template differs from what it was. Of metadata only
// labels and annotations count: the API server keeps the rest.
func compare(now, before map[string]any) change {
	if !reflect.DeepEqual(now["spec"], before["spec"]) {
		return changed
	}
	nowMeta, _ := now["metadata"].(map[string]any)
	beforeMeta, _ := before["metadata"].(map[string]any)
	for _, key := range []string{"labels", "annotations"} {
		if !sameMap(nowMeta[key], beforeMeta[key]) {
			return metadataChanged
		}
	}
	return unchanged
}

// targetChange is a pod or template that an update changes. before is empty
// where the old object has none at that place.
type targetChange struct {
	now, before Target
	change      change
}

// changesOf returns those of the targets that have to be judged. Metadata of an
// object that is being deleted may change: its finalizers have to go.
func changesOf(targets, old []Target, terminating bool) []targetChange {
	before := make(map[string]Target, len(old))
	for _, t := range old {
		before[t.Path] = t
	}
	var changes []targetChange
	for _, t := range targets {
		c := targetChange{now: t, change: changed}
		if was, existed := before[t.Path]; existed {
			c.before, c.change = was, compare(t.Pod, was.Pod)
		}
		if c.change == unchanged || c.change == metadataChanged && terminating {
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// sameMap compares two maps, an absent one being equal to an empty one.
func sameMap(a, b any) bool {
	ma, okA := a.(map[string]any)
	mb, okB := b.(map[string]any)
	if (a != nil && !okA) || (b != nil && !okB) {
		return false
	}
	return len(ma) == 0 && len(mb) == 0 || reflect.DeepEqual(ma, mb)
}

// sameApartFromMetadata reports whether two objects differ in metadata and
// status at most.
func sameApartFromMetadata(a, b map[string]any) bool {
	strip := func(m map[string]any) map[string]any {
		m = maps.Clone(m)
		delete(m, "metadata")
		delete(m, "status")
		return m
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// terminating reports whether an object is being deleted.
func terminating(object map[string]any) bool {
	metadata, _ := object["metadata"].(map[string]any)
	at, _ := metadata["deletionTimestamp"].(string)
	return at != ""
}

// denies reports whether a policy that is enforced has something to deny.
func denies(results []verdict.Result) bool {
	return slices.ContainsFunc(results, func(r verdict.Result) bool {
		return r.Mode == v1alpha1.ModeEnforce && len(r.Deny) > 0
	})
}

// excused returns those of a target's earlier violations that an update does not
// answer for: all of them while the spec stays as it is, and in a pod those of
// the containers that stay as they are, so that an old pod can still be debugged
// and resized. New pods come from a template, so its spec answers for all of it.
func excused(violations []Finding, change change, now, before Target) map[Finding]bool {
	if change != metadataChanged && now.Path != "" {
		return nil
	}
	out := make(map[Finding]bool, len(violations))
	for _, f := range violations {
		if change == metadataChanged || ofUnchangedContainer(f, now, before) {
			out[f] = true
		}
	}
	return out
}

func ofUnchangedContainer(f Finding, now, before Target) bool {
	path := tokens(f.Path)
	if len(path) < 3 || path[0] != "spec" || !containerLists[path[1]] {
		return false
	}
	is, ok := at(now.Pod, path[:3])
	was, had := at(before.Pod, path[:3])
	return ok && had && reflect.DeepEqual(is, was)
}
