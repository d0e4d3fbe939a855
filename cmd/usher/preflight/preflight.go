// Package preflight looks at a cluster before usher is installed or upgraded there,
// and says what would go wrong.
package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Occasion is what is about to be done.
type Occasion string

// The occasions.
const (
	Install Occasion = "install"
	Upgrade Occasion = "upgrade"
)

// Occasions lists them.
var Occasions = []Occasion{Install, Upgrade}

// CertMode says who makes usher's certificates.
type CertMode string

// The modes.
const (
	CertFiles       CertMode = "files"
	CertManager     CertMode = "cert-manager"
	CertSelf        CertMode = "self"
	webhookName              = "usher-webhook"
	certManagerName          = "cert-manager.io/certificate-name"
	managedBy                = "app.kubernetes.io/managed-by"
)

// CertModes lists them.
var CertModes = []CertMode{CertSelf, CertManager, CertFiles}

// Options say what is about to be installed.
type Options struct {
	For       Occasion
	Namespace string
	CertMode  CertMode
	// Agent: the agent's pods are to run in the namespace.
	Agent bool
	// Monitoring: objects of the Prometheus operator are part of it.
	Monitoring bool
	// APIServerPorts are those that network policies let usher reach; none: all.
	APIServerPorts []int32
	// Now is the time by which certificates are judged.
	Now time.Time
}

// Severity of a finding.
type Severity int

// Severities, the least first. What is wrong stops an installation.
const (
	Fine Severity = iota
	Doubtful
	Wrong
)

func (s Severity) String() string {
	return [...]string{"ok", "warning", "error"}[s]
}

// Finding is what a check says.
type Finding struct {
	Severity Severity
	// Check names what was looked at.
	Check string
	// Message says what was found.
	Message string
	// Advice says what to do about it; empty for what is fine.
	Advice string
}

func (f Finding) String() string {
	text := fmt.Sprintf("%-8s %s: %s", f.Severity, f.Check, f.Message)
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return text
}

// check compares what was found in the cluster with what is about to come. It says
// nothing of what the options do not ask for.
type check struct {
	name string
	of   func(Options, *Facts) []Finding
}

// checks in the order in which they are shown.
var checks = []check{
	{"API server", apiServer},
	{"kinds of usher", crds},
	{"registration", registration},
	{"certificates", certificates},
	{"Pod Security", podSecurity},
	{"network policies", networkPolicies},
}

// Compare says what would go wrong, check by check.
func Compare(o Options, facts *Facts) []Finding {
	var all []Finding
	for _, c := range checks {
		for _, f := range c.of(o, facts) {
			f.Check = c.name
			all = append(all, f)
		}
	}
	return all
}

// Worst is the highest severity among findings.
func Worst(findings []Finding) Severity {
	if len(findings) == 0 {
		return Fine
	}
	return slices.MaxFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) }).Severity
}

func fine(format string, args ...any) Finding {
	return Finding{Severity: Fine, Message: fmt.Sprintf(format, args...)}
}

func doubtful(advice, format string, args ...any) Finding {
	return Finding{Severity: Doubtful, Message: fmt.Sprintf(format, args...), Advice: advice}
}

func wrong(advice, format string, args ...any) Finding {
	return Finding{Severity: Wrong, Message: fmt.Sprintf(format, args...), Advice: advice}
}

// listed joins what is listed for people.
func listed[T any](items []T) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(items), " ", ", "), "[]")
}
