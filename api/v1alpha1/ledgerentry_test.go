package v1alpha1

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func at(t *testing.T, text string) *metav1.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return &metav1.Time{Time: parsed.Local()}
}

func TestAnEntryIsALine(t *testing.T) {
	for _, test := range []struct {
		name, line string
		entry      LedgerEntry
	}{
		{
			"a holder that is being deleted",
			"Pod team-a/train-0 1428572 nvidia.com/gpu=1 nvidia.com/mig-3g.20gb=1 reservation=x7k uid=0b5c freeBy=2026-11-25T10:31:30Z",
			LedgerEntry{
				Kind: KindPod, Namespace: "team-a", Name: "train-0", UID: "0b5c", Reservation: "x7k", MicroUnits: 1_428_572,
				Resources: map[string]int64{"nvidia.com/mig-3g.20gb": 1, "nvidia.com/gpu": 1}, FreeBy: at(t, "2026-11-25T10:31:30Z"),
			},
		},
		{
			"a reservation of a claim whose name is to be generated",
			"ResourceClaim team-a/pair- 2000000 deviceclass.resource.kubernetes.io/gpu.nvidia.com=2 reservation=f00d expires=2026-11-25T10:32:10Z",
			LedgerEntry{
				Kind: KindClaim, Namespace: "team-a", Name: "pair-", Reservation: "f00d", MicroUnits: 2_000_000,
				Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu.nvidia.com": 2}, Expires: at(t, "2026-11-25T10:32:10Z"),
			},
		},
		{
			"what a newer version has noted",
			"Pod team-a/train-0 1000000 nvidia.com/gpu=1 reservation=x7k uid=0b5c zone=b queued-by=a=b",
			LedgerEntry{
				Kind: KindPod, Namespace: "team-a", Name: "train-0", UID: "0b5c", Reservation: "x7k", MicroUnits: 1_000_000,
				Resources: map[string]int64{"nvidia.com/gpu": 1}, Further: []string{"zone=b", "queued-by=a=b"},
			},
		},
		{"as little as there can be", "Pod a/b 0", LedgerEntry{Kind: KindPod, Namespace: "a", Name: "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			encoded, err := json.Marshal(test.entry)
			if err != nil {
				t.Fatal(err)
			}
			if want := `"` + test.line + `"`; string(encoded) != want {
				t.Errorf("written as\n%s, want\n%s", encoded, want)
			}
			var read LedgerEntry
			if err := json.Unmarshal(encoded, &read); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.entry, read); diff != "" {
				t.Errorf("read otherwise (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"an object", `{"kind":"Pod"}`, "cannot unmarshal object"},
		{"nothing", `""`, "fewer than three fields"},
		{"too little", `"Pod a/b"`, "fewer than three fields"},
		{"another kind", `"Node a/b 1"`, "neither Pod nor ResourceClaim"},
		{"no namespace", `"Pod b 1"`, "no NAMESPACE/NAME"},
		{"no amount", `"Pod a/b many"`, "no number of millionths"},
		{"a negative amount", `"Pod a/b -1"`, "no number of millionths"},
		{"an amount that is too large", `"Pod a/b 9223372036854775808"`, "no number of millionths"},
		{"two spaces", `"Pod a/b 1  uid=x"`, `"" is no KEY=VALUE`},
		{"a key alone", `"Pod a/b 1 uid"`, `"uid" is no KEY=VALUE`},
		{"an empty value", `"Pod a/b 1 uid="`, `"uid=" is no KEY=VALUE`},
		{"what is no key", `"Pod a/b 1 Owner=x"`, `"Owner" is nothing that an entry has`},
		{"an unknown key without a value", `"Pod a/b 1 owner="`, `"owner=" is no KEY=VALUE`},
		{"an unknown key that must be known", `"Pod a/b 1 !half=yes"`, `"!half" was written by a newer version of usher`},
		{"a resource without a number", `"Pod a/b 1 nvidia.com/gpu=one"`, "no number of devices"},
		{"a time that is none", `"Pod a/b 1 freeBy=soon"`, `"soon" is no time`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var read LedgerEntry
			if err := json.Unmarshal([]byte(test.content), &read); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestAnEntryThatWouldBeReadAsAnotherIsNotWritten(t *testing.T) {
	for _, entry := range []LedgerEntry{
		{Kind: KindPod, Namespace: "a", Name: "b 1"},
		{Kind: KindPod, Namespace: "a", Name: "b", Reservation: "x uid=y"},
		{Kind: KindPod, Namespace: "a", Name: "b", Further: []string{"uid=y"}},
		{Kind: KindPod, Namespace: "a", Name: "b", Further: []string{"zone"}},
		{Kind: KindPod, Namespace: "a", Name: "b", Further: []string{"zone=x y"}},
		{Kind: KindPod, Namespace: "a", Name: "b", Further: []string{"!half=yes"}},
		{Kind: KindPod, Namespace: "a", Name: "b", Further: []string{"a/b=1"}},
		{Kind: KindPod, Namespace: "a", Name: "b", Resources: map[string]int64{"gpu": 1}},
		{Kind: KindPod, Namespace: "a", Name: "b", Resources: map[string]int64{"a/b=1 c/d": 1}},
	} {
		if encoded, err := json.Marshal(entry); err == nil {
			t.Errorf("written as %s", encoded)
		}
	}
}

func FuzzParseLedgerEntry(f *testing.F) {
	f.Add("Pod team-a/train-0 1428572 nvidia.com/gpu=1 reservation=x7k uid=0b5c freeBy=2026-11-25T10:31:30Z")
	f.Add("ResourceClaim a/b- 0 expires=2026-11-25T10:31:30+01:00")
	f.Add("Pod a/b 0 zone=b uid=x queued-by=a=b")
	f.Fuzz(func(t *testing.T, line string) {
		entry, err := ParseLedgerEntry(line)
		if err != nil {
			return
		}
		again, err := ParseLedgerEntry(entry.String())
		if err != nil {
			t.Fatalf("%q was read and written as %q: %v", line, entry, err)
		}
		if diff := cmp.Diff(entry, again); diff != "" {
			t.Errorf("%q (-read +read again):\n%s", line, diff)
		}
	})
}
