package engine

import (
	"strings"
	"testing"
)

// impure are calls that reach out of the input, each in a rule's body.
var impure = map[string]string{
	"http.send":              `http.send({"method": "GET", "url": "http://example.com"})`,
	"net.lookup_ip_addr":     `net.lookup_ip_addr("example.com")`,
	"opa.runtime":            `opa.runtime()`,
	"rand.intn":              `rand.intn("a", 10)`,
	"time.now_ns":            `time.now_ns()`,
	"uuid.rfc4122":           `uuid.rfc4122("a")`,
	"trace":                  `trace("a")`,
	"rego.parse_module":      `rego.parse_module("a.rego", "package a")`,
	"io.jwt.decode_verify":   `io.jwt.decode_verify("a", {"secret": "b"})`,
	"io.jwt.encode_sign":     `io.jwt.encode_sign({}, {}, {})`,
	"io.jwt.encode_sign_raw": `io.jwt.encode_sign_raw("{}", "{}", "{}")`,
	"providers.aws.sign_req": `providers.aws.sign_req({}, {}, 1)`,
	"json.match_schema":      `json.match_schema({}, {"$ref": "http://example.com"})`,
	"json.verify_schema":     `json.verify_schema({})`,
	"graphql.parse":          `graphql.parse("a", "b")`,
	"crypto.x509.parse_and_verify_certificates":              `crypto.x509.parse_and_verify_certificates("a")`,
	"crypto.x509.parse_and_verify_certificates_with_options": `crypto.x509.parse_and_verify_certificates_with_options("a", {})`,
}

func TestPoliciesCannotReachOutOfTheInput(t *testing.T) {
	for _, name := range sortedKeys(impure) {
		root, _, _ := strings.Cut(name, ".")
		for _, tt := range []struct{ form, rules, want string }{
			{"called", `deny contains {"check": "a", "msg": "x"} if ` + impure[name], "undefined function " + name},
			{"called in a helper", "_f(x) := x if " + impure[name] + "\n\n" + `deny contains {"check": "a", "msg": "x"} if _f(1)`, "undefined function " + name},
			{"called in a reference", `deny contains {"check": "a", "msg": "x"} if [` + impure[name] + `][0]`, "undefined function " + name},
			// CVE-2022-36085: a pure builtin stood for an unsafe one.
			{"in place of a pure builtin", `deny contains {"check": "a", "msg": "x"} if count([1]) with count as ` + name, "var " + root + " is unsafe"},
			{"mocked", `deny contains {"check": "a", "msg": "x"} if true with ` + name + ` as 1`, "with keyword target must reference existing"},
		} {
			t.Run(name+" "+tt.form, func(t *testing.T) {
				_, err := Compile(configuration(t, ""), folder(map[string]string{"a": policyText("a", tt.rules)}))
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "a/a.rego:") {
					t.Errorf("error %v, want %q and the place", err, tt.want)
				}
			})
		}
	}
}

// A new release of OPA may bring builtins: whoever updates it decides whether
// they are pure and says so here.
func TestCapabilitiesAreThoseThatWereLookedAt(t *testing.T) {
	families := map[string]int{}
	for _, b := range capabilities().Builtins {
		family, _, dotted := strings.Cut(b.Name, ".")
		if !dotted {
			family = "plain"
		}
		families[family]++
	}
	for _, family := range []string{"http", "opa", "rand", "providers", "graphql"} {
		if families[family] > 0 {
			t.Errorf("%d builtins of %s", families[family], family)
		}
	}
	if hosts := capabilities().AllowNet; hosts == nil || len(hosts) > 0 {
		t.Errorf("allowed hosts %v; nil allows all", hosts)
	}
}
