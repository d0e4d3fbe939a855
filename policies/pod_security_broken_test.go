package policies_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// podsToFindAMistake is how many random pods have to be enough to notice a
// mistake in one check.
const podsToFindAMistake = 3000

// TestPodSecurityOracleNoticesMistakes puts a mistake into one check after
// another: random pods show each of them.
func TestPodSecurityOracleNoticesMistakes(t *testing.T) {
	mistakes := []struct{ name, file, right, wrong string }{
		{"an exemption comes a version late", "exemptions", `profile.minor < 25`, `profile.minor < 26`},
		{"a user namespace exempts a version early", "exemptions", `profile.minor < 35`, `profile.minor < 34`},
		{"every system is exempt", "exemptions", `if not input.pod.spec.os.name == "windows"`, `if not input.pod.spec.os.name`},
		{"a version has no check", "allow_privilege_escalation", `profile.minor >= 8`, `profile.minor >= 9`},
		{"an annotation may say anything", "app_armor_profile", `not _localhost(value)`, `_localhost(value)`},
		{"one capability too many", "capabilities_baseline", `"SYS_CHROOT",`, `"SYS_CHROOT", "NET_RAW",`},
		{"the override comes late", "capabilities_restricted", `profile.minor >= 22`, `profile.minor >= 23`},
		{"a namespace of the node is forgotten", "host_namespaces", `_true(input.pod.spec.hostPID)`, `_true(input.pod.spec.hostPid)`},
		{"port 80 is let through", "host_ports", `{0, null}`, `{0, 80, null}`},
		{"a probe is forgotten", "host_probes_and_host_lifecycle", `"startupProbe"`, `"startProbe"`},
		{"hooks are forgotten", "host_probes_and_host_lifecycle", `c.lifecycle[event]`, `c.lifeCycle[event]`},
		{"a level is mixed up", "proc_mount", `profile.level == "restricted"`, `profile.level == "baseline"`},
		{"a volume type is forgotten", "restricted_volumes", `"downwardAPI",`, ``},
		{"the pod's setting is ignored", "run_as_non_root", `not _pod_sets("runAsNonRoot")`, `true`},
		{"another user is root", "run_as_user", `_faults("runAsUser", 0, profile)`, `_faults("runAsUser", 1, profile)`},
		{"a role may be set", "se_linux_options", `["role", "type", "user"]`, `["type", "user"]`},
		{"annotations count for a version longer", "seccomp_profile_baseline", `profile.minor < 19`, `profile.minor < 20`},
		{"containers have to set it themselves", "seccomp_profile_restricted", `not _pod_sets("seccompProfile")`, `true`},
		{"a sysctl is safe too early", "sysctls", `"net.ipv4.tcp_wmem": 32`, `"net.ipv4.tcp_wmem": 31`},
		{"a host process may run", "windows_host_process", `_true(value.hostProcess)`, `not _true(value.hostProcess)`},
		{"too much counts as innocuous", "settings", `["privileged", false]`, `["privileged", true]`},
		{"ephemeral containers are forgotten", "../lib/pods", `"containers", "ephemeralContainers"]`, `"containers"]`},
	}
	for _, mistake := range mistakes[:inShort(len(mistakes))] {
		t.Run(mistake.name, func(t *testing.T) {
			t.Parallel()
			files := podSecurityFiles(t)
			name := "pod_security/" + mistake.file + ".rego"
			name = strings.TrimPrefix(name, "pod_security/../")
			source := string(files[name].Data)
			if !strings.Contains(source, mistake.right) {
				t.Fatalf("%s does not contain %s", name, mistake.right)
			}
			files[name] = &fstest.MapFile{Data: []byte(strings.Replace(source, mistake.right, mistake.wrong, 1))}
			comparison := newComparison(t, compilePodSecurity(t, nil, files))
			for seed := range uint64(podsToFindAMistake) {
				if comparison.run(t, seed) != "" {
					t.Logf("found by pod %d", seed)
					return
				}
			}
			t.Errorf("%d random pods do not show it", podsToFindAMistake)
		})
	}
}
