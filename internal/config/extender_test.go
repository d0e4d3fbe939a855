package config_test

import (
	"strings"
	"testing"
	"time"

	"usher.dev/usher/internal/config"
)

func TestParseExtenderNamesEveryMistakeWithItsPath(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		want       []string
	}{
		{"an empty file is the default", "", nil},
		{"a full file", `
apiVersion: usher.dev/v1alpha1
kind: ExtenderConfiguration
tenantLabel: example.com/tenant
tenantlessPodsMayEnterPools: true
requireReservation: false
rackLabel: example.com/rack
jobLabels: [example.com/job]
staleAfter: 1m
lostAfter: 1m
decisionWait: 0s
decisionLease: 1m
weights: {links: 1000, nics: 0}
`, nil},
		{"unknown fields", "rackLable: x\nstaleafter: 1m", []string{`unknown field "rackLable"`, `unknown field "staleafter"`}},
		{
			"wrong values", "apiVersion: v2\nkind: X\nrackLabel: a b\njobLabels: ['']\nstaleAfter: 0s\nlostAfter: -1s\ndecisionWait: 2s\ndecisionLease: 1ms\nweights: {links: -1, nics: 1001}",
			[]string{"apiVersion: Unsupported", "kind: Unsupported", "rackLabel: Invalid", "jobLabels[0]: Invalid", "staleAfter: Invalid", "lostAfter: Invalid", "decisionWait: Invalid", "decisionLease: Invalid", "weights[links]: Invalid", "weights[nics]: Invalid"},
		},
		{"a duration without a unit", "staleAfter: 10", []string{"staleAfter"}},
		{"no YAML", "{", []string{"yaml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.ParseExtender([]byte(tt.yaml))
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not contain %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestExtenderDefaultsAreFilledIn(t *testing.T) {
	cfg, err := config.ParseExtender([]byte("staleAfter: 30s"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.StaleAfter.Duration != 30*time.Second || cfg.LostAfter.Duration != 10*time.Minute || cfg.RackLabel != "topology.kubernetes.io/rack" || !*cfg.RequireReservation {
		t.Errorf("%+v", cfg)
	}
}
