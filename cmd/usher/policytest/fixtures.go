package policytest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"usher.dev/usher/internal/fixture"
)

// fixtures runs the policy's fixtures and says which the policy lacks.
func (s *subject) fixtures(ctx context.Context, o Options) ([]Fixture, []string, error) {
	files, err := fs.Glob(o.FS, path.Join(s.Name, "testdata", "*.txtar"))
	if err != nil {
		return nil, nil, err
	}
	var results []Fixture
	shown := shows{checks: map[string]bool{}}
	for _, file := range files {
		data, err := fs.ReadFile(o.FS, file)
		if err != nil {
			return nil, nil, fmt.Errorf("read fixture: %w", err)
		}
		result := Fixture{Name: fixtureName(file), File: file}
		if o.Names != nil && !o.Names.MatchString(s.Name+"/"+result.Name) {
			continue
		}
		o.progress(s.Name + "/" + result.Name)
		f, err := fixture.Parse(file, data)
		if err != nil {
			result.Failure = err.Error()
			results = append(results, result)
			continue
		}
		result.Comment = f.Comment
		got, err := s.verdict(ctx, f)
		switch {
		case err != nil:
			result.Failure = err.Error()
		case f.Want == nil && o.Write == nil:
			result.Failure = "no verdict.yaml; `usher test --update` writes it, and then read what it wrote:\n" + got.String()
		case f.Want != nil && fixture.Diff(*f.Want, got) == "":
		case o.Write != nil:
			if err := o.Write(file, f.WithVerdict(got)); err != nil {
				return nil, nil, fmt.Errorf("write fixture: %w", err)
			}
			result.Written = true
			f.Want = &got
		default:
			result.Failure = "the verdict is another (- wanted, + got):\n" + fixture.Diff(*f.Want, got)
		}
		if f.Want != nil {
			shown.add(*f.Want)
		}
		results = append(results, result)
	}
	return results, s.missing(shown), ctx.Err()
}

func fixtureName(file string) string {
	name := path.Base(file)
	return name[:len(name)-len(path.Ext(name))]
}

// shows is what a policy's fixtures show.
type shows struct {
	checks       map[string]bool
	clean, patch bool
}

func (s *shows) add(v fixture.Verdict) {
	for _, f := range slices.Concat(v.Deny, v.Warn, v.Audit) {
		s.checks[f.Check] = true
	}
	s.clean = s.clean || v.Clean()
	s.patch = s.patch || len(v.Patch) > 0
}

// missing lists the fixtures that a policy should have and has not.
func (s *subject) missing(shown shows) []string {
	var missing []string
	folder := path.Join(s.Name, "testdata")
	for _, check := range slices.Sorted(maps.Keys(s.Checks)) {
		if !shown.checks[check] {
			missing = append(missing, fmt.Sprintf("no fixture in %s shows a violation of the check %s", folder, check))
		}
	}
	for _, check := range slices.Sorted(maps.Keys(shown.checks)) {
		if _, declared := s.Checks[check]; !declared {
			missing = append(missing, fmt.Sprintf("a fixture wants the check %s, which METADATA custom.checks does not declare", check))
		}
	}
	if !shown.clean {
		missing = append(missing, fmt.Sprintf("no fixture in %s shows an object without a violation", folder))
	}
	if s.Mutates && !shown.patch {
		missing = append(missing, fmt.Sprintf("no fixture in %s shows a patch, and the policy has patch rules", folder))
	}
	return missing
}
