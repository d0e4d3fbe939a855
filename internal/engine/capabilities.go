package engine

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// impureBuiltins reach out of the input although OPA does not mark them as
// nondeterministic: they read the clock, fetch schemas or look at the policy's
// surroundings. A trailing dot names a whole family.
var impureBuiltins = []string{
	"http.", "net.lookup_ip_addr", "opa.", "rand.", "uuid.rfc4122", "time.now_ns",
	"io.jwt.decode_verify",                                                                                // compares exp and nbf with the clock
	"crypto.x509.parse_and_verify_certificates", "crypto.x509.parse_and_verify_certificates_with_options", // likewise
	"providers.aws.",                          // signs with the clock
	"json.match_schema", "json.verify_schema", // may fetch $ref
	"graphql.",                                         // caches across queries
	"rego.parse_module", "trace", "internal.test_case", // no use in a policy
}

// capabilities returns what a policy may use: every pure builtin of OPA, and
// no network.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool {
		return b.Nondeterministic || slices.ContainsFunc(impureBuiltins, func(name string) bool {
			return b.Name == name || strings.HasSuffix(name, ".") && strings.HasPrefix(b.Name, name)
		})
	})
	c.AllowNet = []string{}
	return c
}
