package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"usher.dev/usher/api/v1alpha1"
)

// fingerprint is the name of what tells code scanning that a result is one it
// has seen, though its line has moved.
const fingerprint = "usherFinding/v1"

var sarifLevels = map[v1alpha1.Mode]string{
	v1alpha1.ModeEnforce: sarif.LevelError,
	v1alpha1.ModeWarn:    sarif.LevelWarning,
	v1alpha1.ModeAudit:   sarif.LevelNote,
}

// securitySeverities are the scores that GitHub reads in place of words: below
// 4 is low, below 7 medium, below 9 high.
var securitySeverities = map[string]string{"low": "3.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}

// writeSARIF writes a SARIF 2.1.0 log.
func writeSARIF(w io.Writer, r *Report) error {
	run := sarif.NewRunWithInformationURI("usher", "https://usher.dev")
	run.Tool.Driver.WithSemanticVersion(strings.TrimPrefix(r.Version, "v"))
	run.WithColumnKind("unicodeCodePoints")
	for _, rule := range r.Rules {
		run.AddRule(rule.ID()).
			WithName(rule.ID()).
			WithShortDescription(text(rule.Description)).
			WithFullDescription(text(rule.Title + ": " + rule.Description + ".")).
			WithProperties(ruleProperties(rule))
	}
	for _, v := range r.Violations {
		if run.GetRuleIndex(v.ID()) < 0 { // a check that only a server has
			run.AddRule(v.ID()).WithName(v.ID()).WithShortDescription(text(v.ID()))
		}
		run.CreateResultForRule(v.ID()).
			WithLevel(sarifLevels[v.Mode]).
			WithMessage(sarif.NewTextMessage(v.Message)).
			WithLocations([]*sarif.Location{location(v.File, v.Line, v.Column)}).
			WithPartialFingerprints(map[string]string{fingerprint: v.fingerprint()})
	}
	run.AddInvocation(invocation(r.Problems))

	log := sarif.NewReport()
	log.AddRun(run)
	if err := log.PrettyWrite(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func ruleProperties(rule Rule) *sarif.PropertyBag {
	bag := sarif.NewPropertyBag().Add("policy", rule.Policy).WithTags([]string{"security"})
	if score := securitySeverities[rule.Severity]; score != "" {
		bag.Add("security-severity", score)
	}
	return bag
}

// invocation tells what could not be reviewed.
func invocation(problems []Problem) *sarif.Invocation {
	inv := sarif.NewInvocation().WithExecutionSuccessful(len(problems) == 0)
	for _, p := range problems {
		notification := sarif.NewNotification().
			WithLevel(sarif.LevelError).
			WithMessage(sarif.NewTextMessage(p.Message))
		if p.File != "" {
			notification.WithLocations([]*sarif.Location{location(p.File, p.Line, p.Column)})
		}
		inv.AddToolExecutionNotification(notification)
	}
	return inv
}

func location(file string, line, column int) *sarif.Location {
	physical := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(fileURI(file)))
	if line > 0 {
		physical.WithRegion(sarif.NewRegion().WithStartLine(line).WithStartColumn(column))
	}
	return sarif.NewLocationWithPhysicalLocation(physical)
}

// fileURI is relative for a relative path, so that it is found in a checkout.
func fileURI(file string) string {
	uri := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		uri.Scheme = "file"
	}
	return uri.String()
}

func (v Violation) fingerprint() string {
	what := []string{v.ID(), v.Object.APIVersion, v.Object.Kind, v.Object.Namespace, v.Object.Name, v.Path, v.Message}
	sum := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func text(s string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(s)
}
