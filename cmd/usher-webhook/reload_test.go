package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The policies alpha and beta always report the same version.
const versioned = `# METADATA
# title: %[1]s
# custom: {checks: {version: the policies' version}}
package usher.%[1]s

import data.usher.lib.version

deny contains {"check": "version", "msg": sprintf("%[1]s %%d %%d of %%s", [version.first, _second, input.pod.metadata.labels.n])}

_second := version.second
`

// Cut short anywhere, it does not parse.
const versionModule = `# METADATA
# title: version
package usher.lib.version

_all := {"n": %[1]d, "m": %[1]d,
"padding": "%[2]s",
}

first := _all.n

second := _all.m
`

var padding = strings.Repeat("x", 8<<10)

// broken are versions of the library that do not compile.
var broken = []string{
	"package usher.lib.version\n\nfirst := ",
	"",
	"package usher.lib.version\n\nfirst := 1\n",
	"package usher.lib.version\n\nfirst := time.now_ns()\n\nsecond := 2\n",
	"package kubernetes.admission\n",
	"\xff\xfe",
}

// reviewing asks about pods, in several goroutines, until told to stop. Each
// answer must come from one whole set, and none from an older one than before.
type reviewing struct {
	newest atomic.Int64
	count  atomic.Int64
	stop   chan struct{}
	done   sync.WaitGroup
}

func reviewAtFullSpeed(t *testing.T, p *process) *reviewing {
	r := &reviewing{stop: make(chan struct{})}
	for worker := range 4 {
		r.done.Go(func() {
			client := p.newClient(t)
			last := int64(0)
			for i := 0; ; i++ {
				select {
				case <-r.stop:
					return
				default:
				}
				n := strconv.Itoa(worker) + "-" + strconv.Itoa(i%100)
				answer, err := p.review(client, "/validate?timeout=10s", podReview(t, map[string]string{"n": n}, map[string]any{}))
				if err != nil {
					t.Error("a review failed:", err)
					return
				}
				v := make([]int64, 4)
				text := strings.Join(answer.Warnings, "\n")
				_, err = fmt.Sscanf(text, "alpha %d %d of "+n+" [alpha/version]\nbeta %d %d of "+n+" [beta/version]", &v[0], &v[1], &v[2], &v[3])
				if err != nil || !answer.Allowed || v[0] != v[1] || v[0] != v[2] || v[0] != v[3] || v[0] < last {
					t.Errorf("after version %d: allowed %v, %q, %v", last, answer.Allowed, text, err)
					return
				}
				last = v[0]
				r.newest.Store(max(r.newest.Load(), last))
				r.count.Add(1)
			}
		})
	}
	t.Cleanup(func() { r.end() })
	return r
}

func (r *reviewing) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.done.Wait()
}

// edits is how many edits a reload test makes: USHER_EDITS, or a few.
func edits(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("USHER_EDITS"))
	if err != nil {
		return 30
	}
	return n
}

func TestPoliciesAreEditedWhileReviewsRun(t *testing.T) {
	for _, tt := range []struct {
		name string
		// save puts a version of the library in the folder.
		save func(t testing.TB, dir, text string, n int)
	}{
		{"by renaming a new file over the old", func(t testing.TB, dir, text string, _ int) {
			write(t, filepath.Join(dir, "lib/version.rego~"), text)
			must(t, os.Rename(filepath.Join(dir, "lib/version.rego~"), filepath.Join(dir, "lib/version.rego")))
		}},
		{"by writing the file in two halves", func(t testing.TB, dir, text string, _ int) {
			f, err := os.Create(filepath.Join(dir, "lib/version.rego"))
			must(t, err)
			for _, half := range []string{text[:len(text)/2], text[len(text)/2:]} {
				_, err := f.WriteString(half)
				must(t, err)
				time.Sleep(20 * time.Millisecond)
			}
			must(t, f.Close())
		}},
		{"by a ConfigMap's new version", func(t testing.TB, dir, text string, n int) {
			mountConfigMap(t, dir, strconv.Itoa(n), map[string]string{
				"alpha.rego": fmt.Sprintf(versioned, "alpha"), "beta.rego": fmt.Sprintf(versioned, "beta"), "version.rego": text,
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			good := func(n int) string { return fmt.Sprintf(versionModule, n, padding) }
			if strings.Contains(tt.name, "ConfigMap") {
				tt.save(t, dir, good(1), 0)
			} else {
				write(t, filepath.Join(dir, "alpha/alpha.rego"), fmt.Sprintf(versioned, "alpha"))
				write(t, filepath.Join(dir, "beta/beta.rego"), fmt.Sprintf(versioned, "beta"))
				write(t, filepath.Join(dir, "lib/version.rego"), good(1))
			}
			cfg := write(t, filepath.Join(t.TempDir(), "config.yaml"), "defaultMode: off\npolicies: {alpha: {mode: warn}, beta: {mode: warn}}\n")
			p := start(t, "--policy-dir", dir, "--config", cfg)
			reviews := reviewAtFullSpeed(t, p)

			var slowest time.Duration
			n := edits(t) / 3
			for i, inForce := 1, int64(1); i <= n && !t.Failed(); i++ {
				failedBefore := p.metric(t, `usher_policy_reloads_total{result="failed"}`)
				saved := time.Now()
				if i%3 == 0 {
					tt.save(t, dir, broken[i/3%len(broken)], i)
					eventually(t, 30*time.Second, "the broken edit to be counted", func() bool {
						return p.metric(t, `usher_policy_reloads_total{result="failed"}`) != failedBefore
					})
					wantReloadFailed(t, p)
				} else {
					inForce = int64(i + 1)
					tt.save(t, dir, good(int(inForce)), i)
					eventually(t, 30*time.Second, fmt.Sprint("version ", inForce), func() bool { return reviews.newest.Load() == inForce })
					slowest = max(slowest, time.Since(saved))
				}
			}
			reviews.end()
			if status, text := p.probe(t, "/readyz"); n%3 != 0 && (status != http.StatusOK || strings.Contains(text, "not reloaded")) {
				t.Errorf("ready %d %s", status, text)
			}
			t.Logf("%d edits, %d reviews, a good edit in force after %s at most", n, reviews.count.Load(), slowest)
		})
	}
}

// wantReloadFailed checks that a broken edit is told everywhere and changes nothing.
func wantReloadFailed(t testing.TB, p *process) {
	t.Helper()
	if got := p.metric(t, "usher_policy_reload_ok"); got != "0" {
		t.Errorf("usher_policy_reload_ok is %q", got)
	}
	if status, text := p.probe(t, "/readyz"); status != http.StatusOK || !strings.Contains(text, "policies not reloaded, the last good set is in force: ") {
		t.Errorf("ready %d %s", status, text)
	}
	if !strings.Contains(p.stderr.String(), `"policies not reloaded: the last good set stays in force"`) {
		t.Error("not in the log")
	}
}

// mountConfigMap lays a folder out as the kubelet mounts a ConfigMap: files that
// are links into ..data, which is a link to a folder of its own for each version.
func mountConfigMap(t testing.TB, dir, version string, files map[string]string) {
	t.Helper()
	behind := "..2026_" + version
	for name, text := range files {
		write(t, filepath.Join(dir, behind, name), text)
	}
	before, _ := os.Readlink(filepath.Join(dir, "..data"))
	must(t, os.Symlink(behind, filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	if before != "" {
		must(t, os.RemoveAll(filepath.Join(dir, before)))
	}
}
