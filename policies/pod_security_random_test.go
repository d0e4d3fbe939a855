package policies_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies/randompod"
)

// podsVariable sets how many random pods are judged; CI judges 50000.
const podsVariable = "USHER_PODS"

// podsByDefault is enough to see every revision of every check pass and fail.
const podsByDefault = 3000

// inShort is how many of so many cases are tried with -short, as under the race
// detector.
func inShort(cases int) int {
	if testing.Short() {
		return cases / 10
	}
	return cases
}

// podSecurityVersions are the versions that the checks changed in, the ones
// before them, and two that no check knows yet.
var podSecurityVersions = func() []string {
	minors := map[int]bool{38: true, 99: true}
	for _, check := range policy.DefaultChecks() {
		for _, version := range check.Versions {
			minors[version.MinimumVersion.Minor()] = true
			minors[max(0, version.MinimumVersion.Minor()-1)] = true
		}
	}
	var versions []string
	for _, minor := range slices.Sorted(maps.Keys(minors)) {
		versions = append(versions, fmt.Sprintf("v1.%d", minor))
	}
	return versions
}()

// TestPodSecurityRandomPods compares the checks that random pods fail, at both
// levels and at six versions each, with those that Kubernetes' evaluator names.
func TestPodSecurityRandomPods(t *testing.T) {
	pods := inShort(podsByDefault)
	if value, ok := os.LookupEnv(podsVariable); ok {
		var err error
		if pods, err = strconv.Atoi(value); err != nil {
			t.Fatalf("%s: %v", podsVariable, err)
		}
	}
	judge := newPodSecurity(t, nil)
	workers := runtime.GOMAXPROCS(0)
	counts := make([]outcomes, workers)
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			comparison := newComparison(t, judge)
			for seed := worker; seed < pods && !t.Failed(); seed += workers {
				if problem := comparison.run(t, uint64(seed)); problem != "" {
					t.Error(problem)
				}
			}
			counts[worker] = comparison.outcomes
		})
	}
	running.Wait()
	if !t.Failed() && !testing.Short() {
		total := outcomes{}
		for _, c := range counts {
			total.add(c)
		}
		total.checkCoverage(t, pods/200)
	}
}

// comparison holds the evaluators that one goroutine compares.
type comparison struct {
	judge    podSecurity
	upstream upstream
	// level is the one that upstream evaluates at present.
	level    string
	outcomes outcomes
}

func newComparison(tb testing.TB, judge podSecurity) *comparison {
	c := &comparison{judge: judge, outcomes: outcomes{}}
	c.upstream = newUpstream(tb, func(check policy.Check, revision int, allowed bool) {
		from := check.Versions[revision].MinimumVersion
		c.outcomes.count(fmt.Sprintf("%s: %s since %s", c.level, check.ID, from.String()), allowed)
	})
	return c
}

// run judges one random pod and says what differs.
func (c *comparison) run(t *testing.T, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	encoded := mustMarshal(t, randompod.New(r))
	pod := &corev1.Pod{}
	if err := json.Unmarshal(encoded, pod); err != nil {
		t.Fatalf("pod %d: %v", seed, err)
	}
	judged := judgedPod(t, pod)
	versions := []string{"latest"}
	for len(versions) < 6 {
		versions = append(versions, podSecurityVersions[r.IntN(len(podSecurityVersions))])
	}
	// One question takes three answers, one for each mode.
	for start := 0; start < len(versions); start += 3 {
		three := versions[start : start+3]
		for _, level := range []string{"baseline", "restricted"} {
			got := c.judge.judge(t, verdict.Input{Pod: judged, Namespace: labelled(map[string]string{
				api.EnforceLevelLabel: level, api.EnforceVersionLabel: three[0],
				api.WarnLevelLabel: level, api.WarnVersionLabel: three[1],
				api.AuditLevelLabel: level, api.AuditVersionLabel: three[2],
			})})
			c.level = level
			for i, findings := range [][]verdict.Finding{got.Deny, got.Warn, got.Audit} {
				want := c.upstream.failing(t, pod, level, three[i])
				if ids := checksOf(findings); !slices.Equal(ids, want) {
					return fmt.Sprintf("pod %d at %s %s fails %v, want %v\n%s", seed, level, three[i], ids, want, asYAML(t, pod))
				}
				for _, f := range findings {
					if problem := pathProblem(judged, f.Path); problem != "" {
						return fmt.Sprintf("pod %d at %s %s: %s %s: %s\n%s", seed, level, three[i], f.Check, f.Path, problem, asYAML(t, pod))
					}
				}
			}
		}
	}
	return ""
}

// pathProblem says what is wrong with the path of a finding: it has to lead to a
// field of the pod, or to one that is missing there.
func pathProblem(pod map[string]any, path string) string {
	var at any = pod
	tokens := strings.Split(path, "/")[1:]
	for i, token := range tokens {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[token]
			if !ok && i < 2 {
				return "leads nowhere"
			}
			if !ok {
				return ""
			}
			at = next
		case []any:
			index, err := strconv.Atoi(token)
			if err != nil || index < 0 || index >= len(v) {
				return "is past the end of a list"
			}
			at = v[index]
		default:
			return "leads into a scalar"
		}
	}
	return ""
}

// outcomes counts how often each revision of a check was passed and failed at
// each level.
type outcomes map[string]*[2]int

func (o outcomes) count(key string, allowed bool) {
	counts, ok := o[key]
	if !ok {
		counts = &[2]int{}
		o[key] = counts
	}
	if allowed {
		counts[0]++
	} else {
		counts[1]++
	}
}

func (o outcomes) add(other outcomes) {
	for key, counts := range other {
		if o[key] == nil {
			o[key] = &[2]int{}
		}
		o[key][0] += counts[0]
		o[key][1] += counts[1]
	}
}

// checkCoverage fails the test if some revision of a check was not passed and
// failed at least so many times at each level that has it.
func (o outcomes) checkCoverage(t *testing.T, least int) {
	t.Helper()
	seen := map[policy.CheckID]bool{}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		passed, failed := o[key][0], o[key][1]
		t.Logf("%s: passed %d times, failed %d times", key, passed, failed)
		if passed < least || failed < least {
			t.Errorf("%s: passed %d times and failed %d times, want each %d times: the generator does not reach it", key, passed, failed, least)
		}
	}
	for _, check := range policy.DefaultChecks() {
		for i, version := range check.Versions {
			from := version.MinimumVersion
			for key := range o {
				if strings.HasSuffix(key, fmt.Sprintf(" %s since %s", check.ID, from.String())) {
					seen[check.ID] = true
				}
			}
			if !seen[check.ID] {
				t.Errorf("revision %d of %s was never asked", i, check.ID)
			}
		}
	}
}
