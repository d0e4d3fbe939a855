package steady

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/installation"
)

// certwatch notes how certificates and their authority change, from the beginning
// to the end.
type certwatch struct {
	mu     sync.Mutex
	states []certstate
}

// certstate is what stood in both Secrets from some time on.
type certstate struct {
	at      time.Time
	phase   string
	ca      []byte
	next    []byte
	leaf    []byte
	bundles [][]byte
}

// follow looks at the Secrets until the context ends, and says what changes.
func (w *certwatch) follow(ctx context.Context, i *installation.Installation, say func(string)) {
	for pass(ctx, 200*time.Millisecond) == nil {
		state, err := look(ctx, i)
		if err != nil {
			continue // an API server that restarts
		}
		if told := w.add(state); told != "" {
			say(told)
		}
	}
}

func look(ctx context.Context, i *installation.Installation) (certstate, error) {
	authority, err := i.Authority(ctx)
	if err != nil {
		return certstate{}, err
	}
	serving, err := i.Serving(ctx)
	if err != nil {
		return certstate{}, err
	}
	bundles, err := i.Bundles(ctx)
	if err != nil {
		return certstate{}, err
	}
	s := certstate{at: time.Now(), bundles: bundles, phase: "steady", ca: authority["ca.crt"], next: authority["next.crt"], leaf: serving[corev1.TLSCertKey]}
	switch {
	case len(s.next) > 0:
		s.phase = "preparing"
	case len(authority["retired.crt"]) > 0:
		s.phase = "retiring"
	}
	return s, nil
}

// trusts says whether every CA bundle holds the authorities.
func (s *certstate) trusts(authorities ...[]byte) bool {
	for _, bundle := range s.bundles {
		for _, authority := range authorities {
			if !bytes.Contains(bundle, authority) {
				return false
			}
		}
	}
	return len(s.bundles) > 0
}

// add notes a state and returns what is new about it.
func (w *certwatch) add(s certstate) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.states) == 0 {
		w.states = append(w.states, s)
		return fmt.Sprintf("the authority is %s, the certificate %s", subject(s.ca), serial(s.leaf))
	}
	last := w.states[len(w.states)-1]
	var told []string
	if last.phase != s.phase {
		told = append(told, map[string]string{
			"preparing": "the next authority is made, and trusted beside the current one: " + subject(s.next),
			"retiring":  "the new authority signs, the old one is still trusted: " + subject(s.ca),
			"steady":    "the old authority is trusted no more; it is " + subject(s.ca) + " alone",
		}[s.phase])
	}
	if !bytes.Equal(last.leaf, s.leaf) {
		told = append(told, "the serving certificate is "+serial(s.leaf))
	}
	if len(told) > 0 || !bytes.Equal(last.ca, s.ca) {
		w.states = append(w.states, s)
	}
	return strings.Join(told, "; ")
}

// renewal returns a certificate and the one after it, both of one authority, that
// came after some time.
func (w *certwatch) renewal(since time.Time) (before, after []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := 1; n < len(w.states); n++ {
		a, b := w.states[n-1], w.states[n]
		if b.at.After(since) && !bytes.Equal(a.leaf, b.leaf) && bytes.Equal(a.ca, b.ca) && b.phase != "retiring" {
			return a.leaf, b.leaf, nil
		}
	}
	return nil, nil, errors.New("none was")
}

// rotation tells of a whole rotation that began after some time.
func (w *certwatch) rotation(since time.Time) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var prepared, retired *certstate
	for n := range w.states {
		s := &w.states[n]
		switch {
		case s.phase == "preparing" && prepared == nil && s.at.After(since):
			prepared = s
		case s.phase == "retiring" && prepared != nil && retired == nil && bytes.Equal(s.ca, prepared.next):
			if !s.trusts(prepared.ca, prepared.next) {
				return "", errors.New("a new authority signed before every CA bundle trusted it beside the old one")
			}
			retired = s
		case s.phase == "steady" && retired != nil:
			return fmt.Sprintf("authority %s prepared, in force after %s, alone after %s", subject(s.ca),
				retired.at.Sub(prepared.at).Round(time.Second), s.at.Sub(prepared.at).Round(time.Second)), nil
		}
	}
	return "", errors.New("it was not")
}
