package preflight

import (
	"k8s.io/apimachinery/pkg/util/version"
)

// oldest is the release whose API servers know all that usher's manifests say.
var oldest = version.MustParseGeneric("1.30.0")

// required are the resources that the manifests are of or usher reads, beyond
// those that every cluster has.
func required(o Options) []resource {
	wanted := []resource{
		{"admissionregistration.k8s.io/v1", "validatingadmissionpolicies"},
		{"flowcontrol.apiserver.k8s.io/v1", "flowschemas"},
		{"policy/v1", "poddisruptionbudgets"},
		claims,
	}
	if o.CertMode == CertManager {
		wanted = append(wanted, certManagerKinds...)
	}
	if o.Monitoring {
		wanted = append(wanted, monitoringKinds...)
	}
	return wanted
}

var (
	// claims of devices are counted where this version of them is served.
	claims           = resource{"resource.k8s.io/v1", "resourceclaims"}
	certManagerKinds = []resource{{"cert-manager.io/v1", "certificates"}, {"cert-manager.io/v1", "issuers"}}
	monitoringKinds  = []resource{{"monitoring.coreos.com/v1", "servicemonitors"}, {"monitoring.coreos.com/v1", "prometheusrules"}}
)

// advice for resources of others.
var advice = map[string]string{
	"cert-manager.io/v1":       "install cert-manager first, or set certificates.mode: self",
	"monitoring.coreos.com/v1": "install the Prometheus operator first, or set monitoring.enabled: false",
}

// apiServer is new enough, and serves what usher needs.
func apiServer(o Options, facts *Facts) []Finding {
	found, err := version.ParseGeneric(facts.Version.GitVersion)
	if err != nil {
		return []Finding{doubtful("make sure that it is Kubernetes "+oldest.String()+" or newer", "its version %q cannot be read", facts.Version.GitVersion)}
	}
	if !found.AtLeast(oldest) {
		return []Finding{wrong("upgrade the cluster first", "%s is older than %s, the first that has what usher needs", facts.Version.GitVersion, oldest)}
	}
	findings := []Finding{fine("%s", facts.Version.GitVersion)}
	for _, r := range required(o) {
		switch {
		case facts.Served[r.String()]:
		case r == claims:
			findings = append(findings, doubtful("use Kubernetes 1.34 or newer where tenants have claims",
				"%s is not served: GPUs that pods hold by claims are not counted", r))
		case advice[r.version] != "":
			findings = append(findings, wrong(advice[r.version], "%s is not served", r))
		default:
			findings = append(findings, wrong("let the API server serve it (--runtime-config)", "%s is not served", r))
		}
	}
	return findings
}
