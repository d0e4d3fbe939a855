package webhook_test

import (
	"context"
	"testing"
	"time"

	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

// timedPolicies note how much time they are given.
type timedPolicies struct {
	fakePolicies
	mutate, validate []time.Duration
}

func left(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline()
	return time.Until(deadline)
}

func (p *timedPolicies) Mutate(ctx context.Context, in verdict.Input) verdict.Mutation {
	p.mutate = append(p.mutate, left(ctx))
	return p.fakePolicies.Mutate(ctx, in)
}

func (p *timedPolicies) Validate(ctx context.Context, in verdict.Input) []verdict.Result {
	p.validate = append(p.validate, left(ctx))
	return p.fakePolicies.Validate(ctx, in)
}

// What is kept for the object before an update is not kept where there is none: on a
// busy machine a policy needs all of a request's time.
func TestANewObjectHasAllOfItsRequestsTime(t *testing.T) {
	const hour = time.Hour // so that the time of the test itself does not count
	template := fields{"metadata": fields{"name": "web"}, "spec": fields{"template": fields{"spec": fields{"containers": []any{fields{"name": "main", "image": "bad"}}}}}}
	changed := fields{"metadata": fields{"name": "web"}, "spec": fields{"template": fields{"spec": fields{"containers": []any{fields{"name": "main", "image": "good"}}}}}}
	for name, test := range map[string]struct {
		operation        fields
		mutate, validate time.Duration
	}{
		"a new Deployment":     {fields{"operation": "CREATE"}, hour / 2, hour},
		"a Deployment changes": {fields{"operation": "UPDATE", "oldObject": changed}, hour / 4, hour / 2},
	} {
		policies := &timedPolicies{}
		r := reviewerOf(t, policies, team, "")
		req, err := webhook.DecodeReview(reviewBody(t, "apps/v1", "Deployment", template, test.operation))
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), hour)
		_, err = r.Validate(ctx, req)
		cancel()
		req.Release()
		must(t, err)
		if len(policies.mutate) == 0 || len(policies.validate) == 0 {
			t.Fatalf("%s: nobody was asked", name)
		}
		near := func(got, want time.Duration) bool { return got <= want && got > want-time.Minute }
		if !near(policies.mutate[0], test.mutate) || !near(policies.validate[0], test.validate) {
			t.Errorf("%s: %s to mutate and %s to validate, want %s and %s", name, policies.mutate[0], policies.validate[0], test.mutate, test.validate)
		}
	}
}
