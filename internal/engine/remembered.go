package engine

import (
	"crypto/sha256"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"usher.dev/usher/internal/verdict"
)

const (
	// rememberedInputs is how many inputs' answers one query remembers.
	rememberedInputs = 8192
	// rememberedBytes bounds what is in them: messages may quote what a tenant
	// wrote, of any length.
	rememberedBytes = 16 << 20
	// rememberedAnswer bounds one of them.
	rememberedAnswer = 64 << 10
)

// remembered holds a query's answers by the input that they are for, the most
// recently used ones.
type remembered struct {
	answers *lru.Cache[[sha256.Size]byte, answer]
	bytes   atomic.Int64
}

func newRemembered() (*remembered, error) {
	m := &remembered{}
	var err error
	m.answers, err = lru.NewWithEvict(rememberedInputs, func(_ [sha256.Size]byte, a answer) { m.bytes.Add(-a.size()) })
	return m, err
}

func (m *remembered) get(key [sha256.Size]byte) (answer, bool) { return m.answers.Get(key) }

func (m *remembered) add(key [sha256.Size]byte, a answer) {
	size := a.size()
	if size > rememberedAnswer {
		return
	}
	m.bytes.Add(size)
	if there, _ := m.answers.ContainsOrAdd(key, a); there {
		m.bytes.Add(-size)
	}
	for m.bytes.Load() > rememberedBytes {
		if _, _, ok := m.answers.RemoveOldest(); !ok {
			return
		}
	}
}

// size is about how many bytes an answer holds.
func (a answer) size() int64 {
	const perItem = 64 // headers of strings and structs
	n := 0
	for _, findings := range [][]verdict.Finding{a.deny, a.warn, a.audit} {
		for _, f := range findings {
			n += perItem + len(f.Check) + len(f.Message) + len(f.Path)
		}
	}
	for _, o := range a.operations {
		n += perItem + len(o.Op) + len(o.Path) + len(o.From) + sizeOf(o.Value)
	}
	return int64(n)
}

func sizeOf(v any) int {
	const perValue = 16
	n := perValue
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, e := range v {
			n += sizeOf(e)
		}
	case map[string]any:
		for k, e := range v {
			n += perValue + len(k) + sizeOf(e)
		}
	}
	return n
}
