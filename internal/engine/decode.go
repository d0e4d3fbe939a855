package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher.dev/usher/internal/verdict"
)

// decode reads what the rules of a query returned. Anything that is not as
// docs/writing-policies.md says is the policy's error.
func (q *query) decode(bindings map[string]any) (answer, error) {
	var a answer
	for _, rule := range q.eval.rules {
		values, ok := bindings["result_"+rule].([]any)
		if !ok {
			return answer{}, fmt.Errorf("rule %s did not give a set", rule)
		}
		var err error
		switch rule {
		case "deny", ruleReserve:
			a.deny, err = q.findings(values)
		case "warn":
			a.warn, err = q.findings(values)
		case "audit":
			a.audit, err = q.findings(values)
		case "patch":
			a.operations, err = operations(values)
		}
		if err != nil {
			return answer{}, fmt.Errorf("rule %s: %w", rule, err)
		}
	}
	return a, nil
}

func (q *query) findings(values []any) ([]verdict.Finding, error) {
	if len(values) == 0 {
		return nil, nil
	}
	out := make([]verdict.Finding, 0, len(values))
	for _, value := range values {
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%v is not an object with check, msg and path", value)
		}
		f := verdict.Finding{Policy: q.policy}
		for key, v := range fields {
			s, isText := v.(string)
			if !isText {
				return nil, fmt.Errorf("%s of %v is not a string", key, value)
			}
			switch key {
			case "check":
				f.Check = s
			case "msg":
				f.Message = s
			case "path":
				f.Path = s
			default:
				return nil, fmt.Errorf("%v has a field %q; it has check, msg and path", value, key)
			}
		}
		switch {
		case f.Check == "", f.Message == "":
			return nil, fmt.Errorf("%v has no check or no msg", value)
		case q.checks[f.Check] == "":
			return nil, fmt.Errorf("check %q is not among custom.checks of the METADATA", f.Check)
		case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
			return nil, fmt.Errorf("path %q is no JSON pointer: it starts with /", f.Path)
		}
		out = append(out, f)
	}
	return verdict.Sort(out), nil
}

func operations(values []any) ([]verdict.Operation, error) {
	out := make([]verdict.Operation, 0, len(values))
	for _, value := range values {
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%v is not an operation", value)
		}
		var o verdict.Operation
		o.Op, _ = fields["op"].(string)
		o.Path, _ = fields["path"].(string)
		o.From, _ = fields["from"].(string)
		o.Value = fields["value"]
		if !slices.Contains([]string{"add", "remove", "replace", "test", "move", "copy"}, o.Op) || !strings.HasPrefix(o.Path, "/") {
			return nil, fmt.Errorf("%v is not an operation of RFC 6902 below the pod", value)
		}
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b verdict.Operation) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Op, b.Op))
	})
	return out, nil
}
