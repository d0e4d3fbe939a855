package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASlotOfOneNameHasOneValue(t *testing.T) {
	tmpl, err := parseTemplate("a ${suffix1} b ${suffix2} c ${suffix1}")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(tmpl.render(7)))
	if words[1] != words[5] || words[1] == words[3] || len(words[1]) != 5 {
		t.Errorf("got %q", words)
	}
	if diff := cmp.Diff(tmpl.render(7), tmpl.render(7)); diff != "" {
		t.Errorf("the same number gives another text: %s", diff)
	}
	if bytes.Equal(tmpl.render(7), tmpl.render(8)) {
		t.Error("another number gives the same text")
	}
}

func TestATemplateWithAnUnknownSlotIsRefused(t *testing.T) {
	if _, err := parseTemplate("${nonsense}"); err == nil {
		t.Error("no error")
	}
}

func TestRequestUIDsLeadBackToTheirRequests(t *testing.T) {
	for _, n := range []uint64{0, 1, 15, 1 << 40} {
		uid := appendRequestUID(nil, nil, n)
		if got, err := parseRequestUID(string(uid)); err != nil || got != n {
			t.Errorf("%s: got %d, %v, want %d", uid, got, err, n)
		}
	}
	for _, uid := range []string{"", "x", "10000000-0000-0000-0000-000000000001"} {
		if _, err := parseRequestUID(uid); err == nil {
			t.Errorf("%q: no error", uid)
		}
	}
}

func TestAmountsAreWrittenAsKubernetesWritesThem(t *testing.T) {
	for name, kind := range kinds {
		if !slices.Contains([]string{"cpurequest", "cpulimit", "memrequest", "memlimit"}, name) {
			continue
		}
		for n := range uint64(200) {
			text := string(kind(nil, testRand(n), n))
			if got := canonical(t, text); got != text {
				t.Fatalf("%s writes %s, Kubernetes %s", name, text, got)
			}
		}
	}
}
