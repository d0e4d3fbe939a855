package policies_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"usher.dev/usher/policies"
)

// prepareRego compiles the library and the named policies together with one
// more module and prepares a query. A builtin's error fails the evaluation, as
// in the engine.
func prepareRego(tb testing.TB, module, query string, names ...string) rego.PreparedEvalQuery {
	tb.Helper()
	options := []func(*rego.Rego){
		rego.Query(query),
		rego.Module("oracle.rego", module),
		rego.StrictBuiltinErrors(true),
		rego.Strict(true),
	}
	for _, folder := range append(names, "lib") {
		files, err := fs.Glob(policies.FS, folder+"/*.rego")
		if err != nil {
			tb.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.rego") {
				continue
			}
			source, err := fs.ReadFile(policies.FS, name)
			if err != nil {
				tb.Fatal(err)
			}
			options = append(options, rego.Module(name, string(source)))
		}
	}
	prepared, err := rego.New(options...).PrepareForEval(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return prepared
}

// evaluate returns what a query with one binding, x, makes of an input.
func evaluate(tb testing.TB, query rego.PreparedEvalQuery, input any) any {
	tb.Helper()
	value, err := ast.InterfaceToValue(input)
	if err != nil {
		tb.Fatal(err)
	}
	results, err := query.Eval(tb.Context(), rego.EvalParsedInput(value))
	if err != nil {
		tb.Fatalf("evaluate: %v\ninput: %.4000s", err, value)
	}
	if len(results) != 1 {
		tb.Fatalf("evaluate: %d results, want one\ninput: %.4000s", len(results), value)
	}
	return results[0].Bindings["x"]
}
