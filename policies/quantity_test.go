package policies_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"
)

// amountsModule answers what usher.lib.quantities makes of each element of the
// input: the amount in decimal digits, or "invalid".
const amountsModule = `package oracle

import data.usher.lib.quantities

amounts := [_amount(quantity) | some quantity in input]

_amount(quantity) := format_int(quantities.nano(quantity), 10) if quantities.valid(quantity)

_amount(quantity) := "invalid" if not quantities.valid(quantity)
`

// beyondExponents matches the exponents that usher refuses on purpose, although
// ParseQuantity takes them modulo 2^32.
var beyondExponents = regexp.MustCompile(`[eE][-+]?0*[1-9][0-9]{2,}$`)

// nanoAmount is the amount that Kubernetes reads from a quantity, in nano
// units, or "invalid".
func nanoAmount(text string) string {
	if len(text) > 100 || beyondExponents.MatchString(text) {
		return "invalid"
	}
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return "invalid"
	}
	dec := q.AsDec()
	if dec.Sign() == 0 {
		return "0"
	}
	amount := new(big.Int).Set(dec.UnscaledBig())
	places := 9 - int64(dec.Scale())
	if places < 0 {
		return fmt.Sprintf("finer than nano: %s", dec)
	}
	return amount.Mul(amount, new(big.Int).Exp(big.NewInt(10), big.NewInt(places), nil)).String()
}

// differing returns how the first quantity that usher reads differently from
// Kubernetes differs.
func differing(texts []string, amounts any) string {
	for i, amount := range amounts.([]any) {
		if want := nanoAmount(texts[i]); amount != want {
			return fmt.Sprintf("%q is %s to Kubernetes and %v to usher", texts[i], want, amount)
		}
	}
	return ""
}

// quantityText generates quantities, and texts that are nearly quantities.
func quantityText() *rapid.Generator[string] {
	digits := rapid.OneOf(
		rapid.StringMatching(`[0-9]{0,4}`),
		rapid.StringMatching(`0{0,3}[0-9]{8,20}`),
		rapid.StringMatching(`[0-9]{30,60}`),
		rapid.SampledFrom([]string{
			"9223372036854775807", "9223372036854775808", "18446744073709551616",
			"999999999999999999", "1000000000000000000", "8", "7", "1023", "1024", "0", "000",
		}),
	)
	suffix := rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
		}),
		rapid.StringMatching(`[eE][-+]?[0-9]{0,4}`),
		rapid.StringMatching(`[eE][-+]?0{0,20}[0-9]{1,2}`),
		rapid.SampledFrom([]string{
			"K", "ki", "mi", "i", "KiB", "B", "ee3", "e3e3", "E3m", "e+", "e4294967296", "e-4294967295",
			"e2147483648", "e9223372036854775808", "+3", "-3", " ", "Eie", "kk", "µ", "٣",
		}),
	)
	quantity := rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"", "", "", "+", "-", "--", " "}).Draw(t, "sign") + digits.Draw(t, "whole")
		if rapid.Bool().Draw(t, "fractional") {
			text += "." + digits.Draw(t, "fraction")
		}
		return text + suffix.Draw(t, "suffix")
	})
	return rapid.OneOf(quantity, quantity, quantity, rapid.StringMatching(`[-+.0-9eEinumkKMGTP]{0,8}`), rapid.String())
}

func TestQuantitiesAreParsedAsKubernetesParsesThem(t *testing.T) {
	query := prepareRego(t, amountsModule, "x = data.oracle.amounts")
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(quantityText(), 200, 200).Draw(r, "quantities")
		if diff := differing(texts, evaluate(t, query, texts)); diff != "" {
			r.Fatal(diff)
		}
	})
}

// Every text of up to three characters that can stand in a quantity, and every
// suffix with every short number.
func TestShortQuantitiesAreParsedAsKubernetesParsesThem(t *testing.T) {
	query := prepareRego(t, amountsModule, "x = data.oracle.amounts")
	alphabet := strings.Split("0 1 9 . + - e E i n u m k K M G T P", " ")
	texts := []string{""}
	for from, length := 0, 0; length < 3; length++ {
		to := len(texts)
		for _, prefix := range texts[from:to] {
			for _, character := range alphabet {
				texts = append(texts, prefix+character)
			}
		}
		from = to
	}
	for _, number := range []string{"", ".", "0", ".0", "8", "-8", "9.9", "123456789", "1234567890123456789"} {
		for _, suffix := range []string{"Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e-11", "e-10", "e-9", "e-8", "e18", "E99", "e100"} {
			texts = append(texts, number+suffix)
		}
	}
	if diff := differing(texts, evaluate(t, query, texts)); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersAreParsedAsKubernetesParsesThem(t *testing.T) {
	query := prepareRego(t, amountsModule, "x = data.oracle.amounts")
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?`)
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(number, 50, 50).Draw(r, "numbers")
		numbers := make([]any, len(texts))
		for i, text := range texts {
			numbers[i] = json.Number(text)
		}
		if diff := differing(texts, evaluate(t, query, numbers)); diff != "" {
			r.Fatal(diff)
		}
	})
}

// OPA keeps integers of any size exact under what the policies do with amounts.
func TestAmountsAreComputedExactly(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.lib.quantities

answer := {
	"sum": format_int(sum([a, b]), 10),
	"product": format_int(a * b, 10),
	"less": a < b,
	"greatest": format_int(max([a, b]), 10),
} if {
	a := quantities.nano(input.a)
	b := quantities.nano(input.b)
}
`, "x = data.oracle.answer")
	rapid.Check(t, func(r *rapid.T) {
		a := rapid.StringMatching(`[1-9][0-9]{0,30}`).Draw(r, "a")
		b := rapid.OneOf(rapid.Just(a+"1n"), rapid.StringMatching(`[1-9][0-9]{0,30}`)).Draw(r, "b")
		if strings.HasSuffix(b, "n") {
			b = a + ".000000001"
		}
		x, _ := new(big.Int).SetString(nanoAmount(a), 10)
		y, _ := new(big.Int).SetString(nanoAmount(b), 10)
		greatest := x
		if y.Cmp(x) > 0 {
			greatest = y
		}
		want := map[string]any{
			"sum":      new(big.Int).Add(x, y).String(),
			"product":  new(big.Int).Mul(x, y).String(),
			"less":     x.Cmp(y) < 0,
			"greatest": greatest.String(),
		}
		if diff := cmp.Diff(want, evaluate(t, query, map[string]string{"a": a, "b": b})); diff != "" {
			r.Fatalf("of %s and %s (-want +got):\n%s", a, b, diff)
		}
	})
}

// What a message shows parses back to the same amount.
func TestQuantitiesInMessagesAreExact(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.lib.quantities

texts := [[quantities.text(amount), quantities.bytes(amount)] |
	some quantity in input
	amount := quantities.nano(quantity)
]
`, "x = data.oracle.texts")
	rapid.Check(t, func(r *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`-?[1-9][0-9]{0,17}(\.[0-9]{1,9})?|[1-9][0-9]{0,6}[KMGT]i`), 50, 50).Draw(r, "quantities")
		for i, pair := range evaluate(t, query, texts).([]any) {
			for _, shown := range pair.([]any) {
				if got, want := nanoAmount(shown.(string)), nanoAmount(texts[i]); got != want {
					r.Fatalf("%s is shown as %s", texts[i], shown)
				}
			}
		}
	})
}

func FuzzQuantity(f *testing.F) {
	query := prepareRego(f, amountsModule, "x = data.oracle.amounts")
	for _, seed := range []string{
		"1", "500m", "512Mi", "1.5Gi", "-1e-3", "1E", "1E3", ".", "+", "Ei", "8Ei", "0.1n", "9223372036854775808",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if diff := differing([]string{text}, evaluate(t, query, []string{text})); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkQuantity(b *testing.B) {
	const batch = 200
	for _, form := range []struct{ name, format string }{
		{"integer", "%d"},
		{"milli", "%dm"},
		{"mebi", "%dMi"},
		{"fraction", "%d.5Gi"},
		{"exponent", "%de3"},
	} {
		b.Run(form.name, func(b *testing.B) {
			query := prepareRego(b, "package oracle\n\nimport data.usher.lib.quantities\n\nlargest := max([quantities.nano(q) | some q in input])\n", "x = data.oracle.largest")
			texts := make([]string, batch)
			for i := range texts {
				texts[i] = fmt.Sprintf(form.format, i+100)
			}
			b.ReportAllocs()
			for b.Loop() {
				evaluate(b, query, texts)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/quantity")
		})
	}
}
