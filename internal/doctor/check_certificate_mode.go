package doctor

import (
	"slices"
	"strings"
)

// modeSelf is the certificate mode in which usher-controller issues and injects.
const modeSelf = "self"

var checkCertificateMode = &Check{
	ID:    "certificate-mode",
	Title: "one party, and one that runs, writes the CA bundles",
	Why: "A bundle that nobody writes is missing at the next renewal at the latest. Two that write it overwrite each other, and the " +
		"API server trusts usher by turns.",
	Needs: []Kind{kindValidating, kindDeployments},
	Reads: []Kind{kindMutating},
	run: func(s *Snapshot) (found []Finding) {
		self := s.certMode() == modeSelf
		for _, h := range s.ushersHooks() {
			asksSelf, asksOthers := h.Annotations[injectSelf] == modeSelf, false
			for key := range h.Annotations {
				asksOthers = asksOthers || strings.HasPrefix(key, "cert-manager.io/inject-")
			}
			object := hookObject(h)
			switch {
			case asksSelf && asksOthers:
				found = append(found, errorOf(object, "take one of the annotations away", "it asks both usher-controller and cert-manager to write its CA bundle"))
			case asksSelf && !self && s.deployment(controllerName) != nil:
				found = append(found, errorOf(object, "run usher-controller with --cert-mode=self, or take the annotation away", "it asks usher-controller to write its CA bundle (%s: %s), which runs without --cert-mode=self", injectSelf, modeSelf))
			case self && !asksSelf:
				found = append(found, errorOf(object, "annotate it with "+injectSelf+": "+modeSelf, "usher-controller runs with --cert-mode=self, and it does not ask for its CA bundle: an authority that is rotated is not in it"))
			case s.Live && asksOthers && !s.runsInjector():
				found = append(found, errorOf(object, "install cert-manager with its CA injector", "it asks cert-manager to write its CA bundle, and no Deployment of a CA injector is in the cluster"))
			}
		}
		return merged(found)
	},
}

// certMode is how usher-controller deals with certificates.
func (s *Snapshot) certMode() string {
	d := s.deployment(controllerName)
	if d == nil {
		return ""
	}
	return or(flagOf(d, "--cert-mode"), "files")
}

// runsInjector reports whether cert-manager's CA injector is there.
func (s *Snapshot) runsInjector() bool {
	return slices.ContainsFunc(s.workloads(), isInjector)
}

func isInjector(w workload) bool {
	return w.template.Labels[appLabel] == "cainjector" || strings.HasSuffix(w.Name, "cainjector")
}

func isIssuer(w workload) bool {
	return w.template.Labels[appLabel] == "cert-manager" || w.Name == "cert-manager"
}
