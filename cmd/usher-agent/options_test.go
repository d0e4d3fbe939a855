package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongFlagsAndFilesEndWithCodeTwoAndAReason(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script.yaml")
	if err := os.WriteFile(script, []byte("faults: [{fault: fire}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"an unknown flag", []string{"--onec"}, []string{"unknown flag: --onec", "usher-agent --help"}},
		{"an argument", []string{"nvml"}, []string{`unexpected arguments ["nvml"]`}},
		{"an unknown source", []string{"--source", "rocm"}, []string{`--source "rocm": want nvml, mock:BOARD or file:PATH`}},
		{"an unknown mock", []string{"--source", "mock:dgxv100"}, []string{`there is no mock of "dgxv100"; there is dgxa100, dgxb200, dgxh100, dgxh200`}},
		{"a file without a path", []string{"--source", "file:"}, []string{`--source "file:": the path is missing`}},
		{"a board of the real driver", []string{"--source", "nvml:dgxh100"}, []string{"nvml takes nothing after it"}},
		{"everything that is wrong at once", []string{"--mock-script", "x", "-o", "json", "--interval", "0s", "--heartbeat", "2h", "--driver-timeout", "0s"}, []string{
			"--mock-script needs the source mock", "--output needs --once", "--interval must be at least a second", "--heartbeat must be at most an hour", "--driver-timeout must be more than nothing",
		}},
		{"looking more rarely than reporting", []string{"--interval", "2m"}, []string{"no longer than --heartbeat"}},
		{"another format", []string{"--once", "-o", "xml"}, []string{`--output "xml": want yaml or json`}},
		{"sysfs and a file", []string{"--source", "file:x", "--sysfs", "/sys"}, []string{"--sysfs is not read with the source file"}},
		{"a script that is not there", []string{"--source", "mock:dgxh100", "--mock-script", script + "x"}, []string{"--mock-script: read script: stat "}},
		{"a script that is wrong", []string{"--source", "mock:dgxh100", "--mock-script", script}, []string{`faults[0].fault: there is no "fire"`}},
		{"a kubeconfig that is not there", []string{"--source", "mock:dgxh100", "--kubeconfig", script + "x"}, []string{"find the API server"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := execute(t.Context(), tt.args, &stderr, &stderr); code != 2 {
				t.Errorf("exit code %d", code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("does not say %q:\n%s", want, stderr.String())
				}
			}
		})
	}
}

func TestHelpNamesEveryFlagAndSource(t *testing.T) {
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"--help"}, &out, &out); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, word := range []string{
		"--node-name", "--pod", "--source", "--mock-script", "--once", "--output", "--kubeconfig", "--kubelet-socket", "--sysfs", "--interval",
		"--heartbeat", "--driver-timeout", "--probe-listen", "--verbose", "dgxa100, dgxb200, dgxh100, dgxh200", "file:PATH",
	} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("%s is not there:\n%s", word, out.String())
		}
	}
}

func TestTheNodesNameComesFromTheFlagTheEnvironmentOrTheHost(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NODE_NAME", "")
	for _, tt := range []struct{ flag, env, want string }{
		{"", "", strings.ToLower(host)}, {"", "from-env", "from-env"}, {"from-flag", "from-env", "from-flag"},
	} {
		t.Setenv("NODE_NAME", tt.env)
		var args []string
		if tt.flag != "" {
			args = []string{"--node-name", tt.flag}
		}
		o, err := parseOptions(args, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if o.nodeName != tt.want || o.kubeletSocket != defaultSocket || o.sysfs != "/sys" {
			t.Errorf("%+v", o)
		}
	}
}

func TestThePodComesFromTheFlagOrTheEnvironment(t *testing.T) {
	for _, tt := range []struct{ flag, namespace, name, want string }{
		{}, {"", "usher-system", "", ""}, {"", "usher-system", "agent-x", "usher-system/agent-x"}, {"a/b", "usher-system", "agent-x", "a/b"},
	} {
		t.Setenv("POD_NAMESPACE", tt.namespace)
		t.Setenv("POD_NAME", tt.name)
		o, err := parseOptions([]string{"--pod", tt.flag}, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if o.pod != tt.want {
			t.Errorf("%+v: pod %q", tt, o.pod)
		}
	}
}
