package certs

import (
	"fmt"
	"strings"
	"time"
)

// state is what a keeper found.
type state struct {
	rotation *Rotation
	leaves   leaves
}

// text says it in lines: the authority, each certificate, and what went wrong.
func (s state) text(err error) string {
	var lines []string
	if s.rotation != nil {
		current := s.rotation.Current.cert
		lines = append(lines, fmt.Sprintf("certificates: %s: %s, until %s", s.rotation.Phase(), current.Subject.CommonName, rfc3339(current.NotAfter)))
	}
	for _, l := range s.leaves {
		if l.cert == nil {
			lines = append(lines, fmt.Sprintf("certificate %s: none", l.Name))
		} else {
			lines = append(lines, fmt.Sprintf("certificate %s: until %s", l.Name, rfc3339(l.cert.NotAfter)))
		}
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			lines = append(lines, "certificates not kept: "+line)
		}
	}
	return strings.Join(lines, "\n")
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
