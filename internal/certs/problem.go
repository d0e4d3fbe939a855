package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// reason is why what is in files cannot be used.
type reason string

const (
	missing     reason = "missing"
	unreadable  reason = "unreadable"
	expired     reason = "expired"
	notYetValid reason = "not_yet_valid"
	wrongName   reason = "wrong_name"
	wrongUsage  reason = "wrong_usage"
)

// reasons are all of them, as metrics have them.
var reasons = []reason{missing, unreadable, expired, notYetValid, wrongName, wrongUsage}

// problem says why something cannot be used, and what would do.
type problem struct {
	reason reason
	text   string
}

func (p *problem) Error() string { return p.text }

// unread says why a file could not be read.
func unread(what string, err error) *problem {
	if errors.Is(err, fs.ErrNotExist) {
		return &problem{missing, fmt.Sprintf("%s missing: %v; it is read as soon as it is there", what, err)}
	}
	return &problem{unreadable, fmt.Sprintf("%s unreadable: %v", what, err)}
}

// outside says that a certificate is not within its life; nil if it is.
func outside(what string, from, until, now time.Time) *problem {
	switch {
	case now.Before(from):
		return &problem{notYetValid, fmt.Sprintf("%s not valid before %s: this machine's clock is behind, or that of whoever made it ahead", what, rfc3339(from))}
	case !now.Before(until):
		return &problem{expired, fmt.Sprintf("%s expired at %s: it was not renewed, or this machine's clock is ahead", what, rfc3339(until))}
	}
	return nil
}

// clocked adds what the clock says where it matters.
func (p *problem) clocked(now time.Time) string {
	if p.reason == expired || p.reason == notYetValid {
		return p.text + "; it says " + rfc3339(now)
	}
	return p.text
}
