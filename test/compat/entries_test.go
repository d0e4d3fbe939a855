package compat

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/api/v1alpha1"
)

// TestEntriesHaveNoKeyThatTheOtherVersionDoesNotRead fills every field of an
// entry. A key that the version before does not read must be read for one release
// before it is written.
func TestEntriesHaveNoKeyThatTheOtherVersionDoesNotRead(t *testing.T) {
	var line string
	if err := json.Unmarshal(content(t, "entry.json"), &line); err != nil {
		t.Fatal(err)
	}
	known := keysOf(line)
	at := metav1.Unix(1_800_000_000, 0)
	e := v1alpha1.LedgerEntry{Kind: v1alpha1.KindPod, Resources: map[string]int64{"nvidia.com/gpu": 1}, FreeBy: &at, Expires: &at}
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		switch {
		case !f.IsZero() || name == "Further":
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.CanInt():
			f.SetInt(1)
		default:
			t.Fatalf("give %s a value here", name)
		}
	}
	written := keysOf(e.String())
	for _, key := range written {
		if !slices.Contains(known, key) {
			t.Errorf("entries are written with %q, which the version before does not read", key)
		}
	}
	// And the other way round: nothing that it writes is passed over here.
	for _, key := range known {
		if !slices.Contains(written, key) {
			t.Errorf("entries of the version before have %q, which is not read", key)
		}
	}
}

// keysOf are the keys of an entry's line, resources aside.
func keysOf(line string) []string {
	var keys []string
	for _, field := range strings.Fields(line)[3:] {
		if key, _, _ := strings.Cut(field, "="); !strings.Contains(key, "/") {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestLedgersOfTheOtherVersionAreReadToTheLetter: times aside, which are the same
// in another zone, each line is written again as it was.
func TestLedgersOfTheOtherVersionAreReadToTheLetter(t *testing.T) {
	holders, reservations := 0, 0
	for _, ledger := range recorded(t, "objects/ledgers.yaml") {
		for list, count := range map[string]*int{"holders": &holders, "reservations": &reservations} {
			lines, _, err := unstructured.NestedStringSlice(ledger.Object, "status", list)
			if err != nil {
				t.Fatal(err)
			}
			*count += len(lines)
			for _, line := range lines {
				e, err := v1alpha1.ParseLedgerEntry(line)
				if err != nil || e.Further != nil {
					t.Errorf("%q is not understood: %v, %v", line, e.Further, err)
				}
				if e.String() != line {
					t.Errorf("%q is written again as %q", line, e)
				}
			}
		}
	}
	if holders < 4 || reservations < 1 {
		t.Errorf("only %d holders and %d reservations are recorded", holders, reservations)
	}
}

// TestAnOlderVersionKeepsWhatANewerOneWrites is what the next version may rely on:
// it can write a further key at once, as long as nothing depends on its being read.
func TestAnOlderVersionKeepsWhatANewerOneWrites(t *testing.T) {
	var newer string
	if err := json.Unmarshal(content(t, "entry.json"), &newer); err != nil {
		t.Fatal(err)
	}
	newer += " first-seen=" + time.Unix(1_800_000_000, 0).UTC().Format(time.RFC3339)
	encoded, err := json.Marshal(newer)
	if err != nil {
		t.Fatal(err)
	}
	var e v1alpha1.LedgerEntry
	if err := json.Unmarshal(encoded, &e); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(e); err != nil || string(again) != string(encoded) {
		t.Errorf("%s was written again as %s: %v", encoded, again, err)
	}
}
