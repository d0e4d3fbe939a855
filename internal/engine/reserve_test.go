package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

// quotaOf is an input of a tenant that holds used of hard and asks for request.
func quotaOf(hard, used, request int64) verdict.Input {
	in := podInput(nil, nil)
	in.Quota = map[string]any{"hard": map[string]any{"units": hard}, "used": map[string]any{"units": used}, "request": map[string]any{"units": request}}
	return in
}

const reserveRules = `deny_reservation contains {"check": "a", "msg": sprintf("%d of %d", [sum, input.quota.hard.units])} if {
	sum := input.quota.used.units + input.quota.request.units
	sum > input.quota.hard.units
}`

func TestReserveAsksTheRulesThatDecideOnReservations(t *testing.T) {
	for _, tt := range []struct {
		name, config, rules string
		in                  verdict.Input
		want                string
	}{
		{"within the limit", "", reserveRules, quotaOf(8, 4, 4), "a enforce: nothing"},
		{"beyond it", "", reserveRules, quotaOf(8, 5, 4), "a enforce: deny 9 of 8"},
		{"micro-units beyond 2^53", "", reserveRules, quotaOf(1<<62, 1<<62-1, 2), "a enforce: deny 4611686018427387905 of 4611686018427387904"},
		{"a policy that warns", "policies: {a: {mode: warn}}", reserveRules, quotaOf(8, 5, 4), "a warn: deny 9 of 8"},
		{"a policy that is off", "policies: {a: {mode: 'off'}}", reserveRules, quotaOf(8, 5, 4), ""},
		{"a policy without such a rule", "", `deny contains {"check": "a", "msg": "x"}`, quotaOf(8, 5, 4), ""},
		{
			"the other rules are not asked", "", reserveRules + "\n\n" + `deny contains {"check": "a", "msg": "x"}`,
			quotaOf(8, 4, 4), "a enforce: nothing",
		},
		{
			"an error of the policy", "", `deny_reservation contains {"check": "unknown", "msg": "x"}`,
			quotaOf(8, 4, 4), `a enforce: error rule deny_reservation: check "unknown" is not among custom.checks of the METADATA`,
		},
		{
			"applies says nothing of reservations", "", "applies if false\n\n" + reserveRules + "\n\n" + `deny contains {"check": "a", "msg": "x"}`,
			quotaOf(8, 5, 4), "a enforce: deny 9 of 8",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := compiled(t, tt.config, map[string]string{"a": policyText("a", tt.rules)})
			for range 2 { // the second answer is a remembered one
				if diff := cmp.Diff(tt.want, summary(set.Reserve(within(t, time.Minute), tt.in))); diff != "" {
					t.Error("results (-want +got):\n" + diff)
				}
			}
		})
	}
}

func TestValidateDoesNotAskAboutReservations(t *testing.T) {
	set := compiled(t, "", map[string]string{"a": policyText("a", reserveRules)})
	if got := summary(set.Validate(within(t, time.Minute), quotaOf(8, 5, 4))); got != "a enforce: nothing" {
		t.Error(got)
	}
}

// What a reservation is decided by is the quota alone, so that it stays cheap
// however large the pod is.
func TestReserveReadsOnlyWhatItsRulesRead(t *testing.T) {
	set := compiled(t, "", map[string]string{"a": policyText("a", reserveRules)})
	want := "quota.hard.units.**\nquota.request.units.**\nquota.used.units.**"
	if got := set.policies[0].reserve.ofPods.String(); got != want {
		t.Errorf("reads %q, want %q", got, want)
	}
}

// A policy that loops takes only its own verdict with it.
func TestReserveAsksPoliciesSideBySide(t *testing.T) {
	set := compiled(t, "policies: {a: {mode: warn}}", map[string]string{
		"a": policyText("a", `deny_reservation contains {"check": "a", "msg": "found"} if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -input.quota.hard.units
}`),
		"b": policyText("b", strings.ReplaceAll(reserveRules, `"a"`, `"b"`)),
	})
	got := summary(set.Reserve(within(t, 2*time.Second), quotaOf(8, 5, 4)))
	want := "a warn: error " + verdict.ErrDeadline.Error() + "\nb enforce: deny 9 of 8"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("results (-want +got):\n" + diff)
	}
}
