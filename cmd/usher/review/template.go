package review

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/manifest"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

// unknownKind is the decision about an object of a kind that is not judged. It
// warns of a custom resource that seems to hold pods.
func unknownKind(req *webhook.Request) *decision {
	d := &decision{notJudged: kindName(req)}
	if manifest.Recognizes(req.Group, req.Version, req.Kind) {
		return d
	}
	if path, found := containersIn(req.Object()); found {
		d.findings = []finding{{
			Finding: verdict.Finding{
				Policy: "usher", Check: "unknown-kind", Path: manifest.JoinPointer(path),
				Message: kindName(req) + " is not judged, but seems to hold a pod template here; name it under podTemplates in usher's configuration",
			},
			mode: v1alpha1.ModeWarn,
		}}
	}
	return d
}

// containersIn leads to the first list of containers in a value.
func containersIn(value any) (path []string, found bool) {
	look := func(token string, below any) bool {
		deeper, ok := containersIn(below)
		if ok {
			path, found = append([]string{token}, deeper...), true
		}
		return ok
	}
	switch value := value.(type) {
	case map[string]any:
		if isContainers(value["containers"]) {
			return []string{"containers"}, true
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if look(key, value[key]) {
				break
			}
		}
	case []any:
		for i, element := range value {
			if look(strconv.Itoa(i), element) {
				break
			}
		}
	}
	return path, found
}

func isContainers(value any) bool {
	list, _ := value.([]any)
	if len(list) == 0 {
		return false
	}
	first, _ := list[0].(map[string]any)
	image, _ := first["image"].(string)
	return image != ""
}

// notJudged is how summaries name what is skipped.
func notJudged(req *webhook.Request, reason string) string {
	return fmt.Sprintf("%s (%s)", kindName(req), reason)
}

// kindName is how summaries name a kind: Rollout.argoproj.io.
func kindName(req *webhook.Request) string {
	return strings.TrimSuffix(req.Kind+"."+req.Group, ".")
}
