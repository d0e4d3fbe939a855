// Package review judges the objects of manifest files as a cluster's webhook
// would, with policies of its own or by asking a running webhook.
package review

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/manifest"
	"usher.dev/usher/internal/report"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/webhook"
)

// Options say what is reviewed, and by whom.
type Options struct {
	// Files are the manifests: files, folders, "-" for Stdin.
	Files []string
	Stdin io.Reader

	// Requester is who asks, and the namespace of objects that name none.
	Requester webhook.Offline

	// ObjectsDir holds further Namespaces, Tenants and QuotaLedgers, Config is the webhook's
	// configuration file, PolicyDir holds policies over the embedded ones.
	ObjectsDir string
	Config     string
	PolicyDir  string

	// Server is the base URL of a running webhook that is asked instead;
	// ServerCA is a PEM file with the authority of its certificate.
	Server   string
	ServerCA string

	// Rules says that the report is to describe the checks.
	Rules bool

	// Progress, if set, is told how many of how many objects are reviewed.
	Progress func(done, total int)
}

// judge decides about objects. It is asked from several goroutines at once.
type judge interface {
	judge(ctx context.Context, id int, object map[string]any) (*decision, error)
	rules() ([]report.Rule, error)
}

// decision is what a judge says about one object.
type decision struct {
	findings []finding
	// notJudged says why policies were not asked: "" if they were.
	notJudged string
	// problems are what went wrong while judging, beside the findings.
	problems []error
}

// finding is what a policy found. Its place is the Path, or the field in
// Kubernetes' notation where a server tells no more.
type finding struct {
	verdict.Finding
	field string
	mode  v1alpha1.Mode
}

// reviewed is an object and what an API server would make of it.
type reviewed struct {
	source *manifest.Object
	served map[string]any
}

// Run reviews the manifests. The error is about the options; what is wrong with
// a manifest is among the report's problems.
func Run(ctx context.Context, o Options) (*report.Report, error) {
	files, wrong := manifest.Open(o.Files, o.Stdin)
	r := &report.Report{NotJudged: map[string]int{}}
	for _, err := range wrong {
		r.Problems = append(r.Problems, problemOf(err))
	}
	var objects []reviewed
	for _, file := range files {
		found, problems := manifest.Read(file)
		for _, object := range found {
			served, more := object.Served()
			problems = append(problems, more...)
			if served != nil {
				objects = append(objects, reviewed{object, served})
			}
		}
		for _, p := range problems {
			r.Problems = append(r.Problems, problemOf(p))
		}
	}
	j, err := newJudge(o, objects)
	if err != nil {
		return nil, err
	}
	if o.Rules {
		if r.Rules, err = j.rules(); err != nil {
			return nil, err
		}
	}
	answers, err := judgeAll(ctx, j, objects, o.Progress)
	if err != nil {
		r.Problems = append(r.Problems, problemOf(err))
	}
	for i, answer := range answers {
		collect(r, objects[i], answer)
	}
	r.Sort()
	return r, ctx.Err()
}

func newJudge(o Options, objects []reviewed) (judge, error) {
	if o.Server != "" {
		return newServer(o)
	}
	return newLocal(o, objects)
}

// answer is a decision, or why there is none.
type answer struct {
	*decision
	err error
}

// judgeAll asks about every object, several at a time, and keeps their order. It
// ends early when the judge cannot be reached.
func judgeAll(ctx context.Context, j judge, objects []reviewed, progress func(done, total int)) ([]answer, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	answers := make([]answer, len(objects))
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range min(len(objects), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(objects) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				decision, err := j.judge(ctx, i, objects[i].served)
				if away, ok := errors.AsType[unreachable](err); ok {
					stop(away)
					return
				}
				answers[i] = answer{decision, err}
				if progress != nil {
					progress(int(done.Add(1)), len(objects))
				}
			}
		})
	}
	workers.Wait()
	return answers, context.Cause(ctx)
}

// problemOf keeps the place of an error that has one.
func problemOf(err error) report.Problem {
	if p, ok := errors.AsType[*manifest.Problem](err); ok {
		return report.Problem{File: p.File, Line: p.Position.Line, Column: p.Position.Column, Message: p.Message, Source: p.Source}
	}
	return report.Problem{Message: err.Error()}
}
