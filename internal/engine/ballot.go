package engine

import (
	"context"

	"usher.dev/usher/internal/verdict"
)

// ballot collects what policies say of one input. Evaluations run side by side, so
// that a slow policy takes no time from another.
type ballot struct {
	results []verdict.Result
	waiting []waitingFor
}

// waitingFor is an evaluation under way and the place of its result.
type waitingFor struct {
	outcome <-chan outcome
	at      int
}

// add adds a result that needs no evaluation.
func (b *ballot) add(result verdict.Result) { b.results = append(b.results, result) }

// ask adds a result that a query answers.
func (b *ballot) ask(ctx context.Context, result verdict.Result, p *policy, q *query, config map[string]any, in verdict.Input) {
	found, pending, err := p.ask(ctx, q, config, in)
	switch {
	case err != nil:
		result.Err = err
	case pending != nil:
		b.waiting = append(b.waiting, waitingFor{pending, len(b.results)})
	default:
		found.fill(&result)
	}
	b.add(result)
}

// end waits for all evaluations and returns the results, in order of asking.
func (b *ballot) end(ctx context.Context) []verdict.Result {
	for _, w := range b.waiting {
		result := &b.results[w.at]
		found, err := await(ctx, w.outcome)
		if result.Err = err; err == nil {
			found.fill(result)
		}
	}
	return b.results
}
