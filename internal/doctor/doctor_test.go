package doctor

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fault is something that is wrong in an otherwise healthy cluster, and what is
// found: all findings of the check, each "severity object: part of the message".
type fault struct {
	name  string
	plant func(t *testing.T, s *Snapshot)
	// files: the snapshot is of files.
	files bool
	want  []string
}

// faults are those of each check.
func faults() map[string][]fault {
	all := map[string][]fault{}
	for _, some := range []map[string][]fault{webhookFaults, certificateFaults, installFaults, runningFaults, tenantFaults, gpuFaults} {
		maps.Copy(all, some)
	}
	return all
}

func TestAHealthyClusterIsHealthy(t *testing.T) {
	r := Examine(healthy(t))
	if len(r.Findings) > 0 || len(r.Skipped) > 0 {
		t.Errorf("findings %+v, skipped %+v", r.Findings, r.Skipped)
	}
	if len(r.Passed) != len(Checks()) {
		t.Errorf("%d checks passed, of %d", len(r.Passed), len(Checks()))
	}
}

func TestEveryCheckFindsItsFaults(t *testing.T) {
	all := faults()
	for _, c := range Checks() {
		if len(all[c.ID]) == 0 {
			t.Errorf("check %s has no case; add one to the faults of its test", c.ID)
		}
		for _, f := range all[c.ID] {
			t.Run(c.ID+"/"+f.name, func(t *testing.T) {
				s := healthy(t)
				f.plant(t, s)
				s.Live = !f.files
				s.sort()
				found := c.run(s)
				var got []string
				for i, finding := range found {
					line := string(finding.Severity) + " " + finding.Object.String() + ": " + finding.Message
					if i < len(f.want) && matches(line, f.want[i]) {
						line = f.want[i]
					}
					got = append(got, line)
					if finding.Advice == "" || finding.Message == "" || finding.Object.Name == "" {
						t.Errorf("a finding without advice, message or object: %+v", finding)
					}
				}
				if diff := cmp.Diff(f.want, got); diff != "" {
					t.Errorf("findings (-want +got)\n%s", diff)
				}
			})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if !slices.ContainsFunc(Checks(), func(c *Check) bool { return c.ID == id }) {
			t.Errorf("there are cases of a check %s, which is not in the list", id)
		}
	}
}

// matches reports whether a line begins and goes on as wanted: … stands for
// anything.
func matches(line, want string) bool {
	for i, part := range strings.Split(want, "…") {
		at := strings.Index(line, part)
		if at < 0 || i == 0 && at != 0 {
			return false
		}
		line = line[at+len(part):]
	}
	return strings.HasSuffix(want, "…") || line == ""
}

func TestIDsAreOnceAndEveryCheckSaysWhy(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if seen[c.ID] || c.ID == "" || c.Title == "" || c.Why == "" || len(c.Needs)+len(c.Reads) == 0 {
			t.Errorf("check %+v", c)
		}
		seen[c.ID] = true
	}
}

func TestWhatCannotBeReadIsSaidAndTheRestIsLookedAt(t *testing.T) {
	s := healthy(t)
	s.unread[kindNodes] = "no right to list nodes"
	s.Nodes = nil
	r := Examine(s)
	want := []Skipped{
		{"gpu-reports", "no right to list nodes"}, {"agents", "no right to list nodes"}, {"scheduler-extender", "no right to list nodes"},
	}
	if diff := cmp.Diff(want, r.Skipped); diff != "" || len(r.Findings) > 0 {
		t.Errorf("skipped (-want +got)\n%s\nfindings %+v", diff, r.Findings)
	}
}

func TestErrorsComeBeforeWarnings(t *testing.T) {
	s := healthy(t)
	s.deployment(webhookName).Status.ReadyReplicas = 1
	s.Tenants[0].Status.Conditions = nil
	r := Examine(s)
	var got []string
	for _, f := range r.Findings {
		got = append(got, string(f.Severity)+" "+f.ID)
	}
	if !slices.IsSortedFunc(r.Findings, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	}) || r.Count(Error) == 0 || r.Count(Warning) == 0 {
		t.Errorf("findings %v", got)
	}
}
