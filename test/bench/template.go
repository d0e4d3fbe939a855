package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
)

// template is the text of a review with slots, ${kind} or ${kind1}, whose
// content differs from request to request. Filling one in costs a copy, so that
// no stream of reviews has to repeat itself and none has to be kept in memory.
type template struct {
	// literals are the texts between the slots, one more than there are slots.
	literals []string
	// slots are indices into names, in the order of the text.
	slots []int
	names []string
	kinds []kind
}

// kind writes the content of one slot. n is the number of the request.
type kind func(dst []byte, r *rand.Rand, n uint64) []byte

var kinds = map[string]kind{
	"request":    appendRequestUID,
	"uuid":       func(dst []byte, r *rand.Rand, _ uint64) []byte { return appendUUID(dst, r.Uint64(), r.Uint64()) },
	"id":         func(dst []byte, r *rand.Rand, _ uint64) []byte { return appendWord(dst, r, 26) },
	"suffix":     func(dst []byte, r *rand.Rand, _ uint64) []byte { return appendWord(dst, r, 5) },
	"word":       func(dst []byte, r *rand.Rand, _ uint64) []byte { return appendWord(dst, r, 8) },
	"number":     func(dst []byte, r *rand.Rand, _ uint64) []byte { return appendOdd(dst, r, 1001, 9999) },
	"cpurequest": func(dst []byte, r *rand.Rand, _ uint64) []byte { return append(appendOdd(dst, r, 101, 999), 'm') },
	"cpulimit":   func(dst []byte, r *rand.Rand, _ uint64) []byte { return append(appendOdd(dst, r, 1001, 3999), 'm') },
	"memrequest": func(dst []byte, r *rand.Rand, _ uint64) []byte { return append(appendOdd(dst, r, 257, 1023), "Mi"...) },
	"memlimit":   func(dst []byte, r *rand.Rand, _ uint64) []byte { return append(appendOdd(dst, r, 1025, 8191), "Mi"...) },
}

var slotPattern = regexp.MustCompile(`\$\{([a-z]+)[0-9]*\}`)

func parseTemplate(text string) (*template, error) {
	t := &template{}
	known := map[string]int{}
	end := 0
	for _, m := range slotPattern.FindAllStringSubmatchIndex(text, -1) {
		name, kindName := text[m[0]:m[1]], text[m[2]:m[3]]
		slot, ok := known[name]
		if !ok {
			write, ok := kinds[kindName]
			if !ok {
				return nil, fmt.Errorf("slot %s: there is no such kind", name)
			}
			slot = len(t.names)
			known[name] = slot
			t.names = append(t.names, name)
			t.kinds = append(t.kinds, write)
		}
		t.literals = append(t.literals, text[end:m[0]])
		t.slots = append(t.slots, slot)
		end = m[1]
	}
	t.literals = append(t.literals, text[end:])
	return t, nil
}

// render returns the n-th text of the template; the same n gives the same text.
func (t *template) render(n uint64) []byte {
	r := rand.New(rand.NewPCG(n, uint64(len(t.names)))) //nolint:gosec // bodies of a benchmark, not secrets
	var store [2048]byte
	values := store[:0]
	ends := make([]int, 1, 1+len(t.names))
	for _, write := range t.kinds {
		values = write(values, r, n)
		ends = append(ends, len(values))
	}
	size := len(t.literals[len(t.slots)])
	for i, slot := range t.slots {
		size += len(t.literals[i]) + ends[slot+1] - ends[slot]
	}
	text := make([]byte, 0, size)
	for i, slot := range t.slots {
		text = append(text, t.literals[i]...)
		text = append(text, values[ends[slot]:ends[slot+1]]...)
	}
	return append(text, t.literals[len(t.slots)]...)
}

// safeLetters are the letters of Kubernetes' generated names.
const safeLetters = "bcdfghjklmnpqrstvwxz2456789"

func appendWord(dst []byte, r *rand.Rand, length int) []byte {
	for range length {
		dst = append(dst, safeLetters[r.IntN(len(safeLetters))])
	}
	return dst
}

// appendOdd writes an odd number: one that Kubernetes writes as it stands,
// since it has no larger unit (1024Mi would be 1Gi).
func appendOdd(dst []byte, r *rand.Rand, low, high int) []byte {
	return strconv.AppendInt(dst, int64(low+2*r.IntN((high-low)/2+1)), 10)
}

// appendRequestUID writes a UID that parseRequestUID turns back into n.
func appendRequestUID(dst []byte, _ *rand.Rand, n uint64) []byte {
	return appendUUID(dst, 0, n)
}

func appendUUID(dst []byte, high, low uint64) []byte {
	return fmt.Appendf(dst, "%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}

func parseRequestUID(uid string) (uint64, error) {
	const prefix = "00000000-0000-0000-0000-"
	if len(uid) != len(prefix)+12 || uid[:len(prefix)] != prefix {
		return 0, fmt.Errorf("%q is the UID of no request", uid)
	}
	return strconv.ParseUint(uid[len(prefix):], 16, 48)
}
