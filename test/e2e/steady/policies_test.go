package steady

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// policy warns of every pod, in words by which it is known which version of it has
// judged.
const policy = `# METADATA
# title: Steady
# description: Says that it has judged.
# custom:
#   severity: low
#   checks:
#     seen: every pod is seen
package usher.steady

warn contains {"check": "seen", "msg": %q} if input.pod
`

// inForce is how long the load goes on under a set of policies once all replicas
// judge by it.
const inForce = 2 * time.Second

func policies(version string) map[string][]byte {
	return map[string][]byte{"steady/steady.rego": fmt.Appendf(nil, policy, words(version))}
}

// words are what a version warns of.
func words(version string) string { return "judged by the " + version + " version" }

// reloadPolicies changes the policies, breaks them and repairs them. What is right
// changes with them: which warning a new pod comes back with.
func (s *show) reloadPolicies(ctx context.Context) (string, error) {
	s.versions++
	before, after := s.version, fmt.Sprintf("%d.", s.versions)
	s.load.ExpectWarning("", false)
	if err := s.ReplacePolicies(policies(after)); err != nil {
		return "", err
	}
	digest, err := s.reloaded(ctx, before)
	if err != nil {
		return "", err
	}
	s.load.ExpectWarning(words(after), true)
	s.version = digest
	if err := pass(ctx, inForce); err != nil {
		return "", err
	}
	broken := map[string][]byte{"steady/steady.rego": []byte("package usher.steady\n\nwarn contains {")}
	if err := s.ReplacePolicies(broken); err != nil {
		return "", err
	}
	if err := s.everyWebhook(ctx, "the broken policies are told of", func(readyz string) error {
		if !strings.Contains(readyz, "the last good set is in force") || !strings.Contains(readyz, digest) {
			return fmt.Errorf("readyz says %q", readyz)
		}
		return nil
	}); err != nil {
		return "", err
	}
	if err := pass(ctx, inForce); err != nil {
		return "", err
	}
	if err := s.ReplacePolicies(policies(after)); err != nil {
		return "", err
	}
	if err := s.everyWebhook(ctx, "the policies are whole again", func(readyz string) error {
		if strings.Contains(readyz, "not reloaded") {
			return fmt.Errorf("readyz says %q", readyz)
		}
		return nil
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("all replicas judge by %s; a broken policy was told of by each, and changed nothing", short(digest)), nil
}

// reloaded waits until every webhook has the same policies in force, and others than
// before, and returns their digest.
func (s *show) reloaded(ctx context.Context, before string) (digest string, err error) {
	err = until(ctx, "the policies are reloaded", func() error {
		digest = ""
		for _, unit := range s.Webhooks {
			readyz, err := unit.Get(ctx, "/readyz")
			if err != nil {
				return err
			}
			_, rest, _ := strings.Cut(readyz, "policies ")
			now := strings.Fields(rest)[0]
			if now == before || digest != "" && now != digest {
				return errors.New("a replica has others")
			}
			digest = now
		}
		return nil
	})
	return digest, err
}

// everyWebhook waits until the readiness of each webhook says something.
func (s *show) everyWebhook(ctx context.Context, what string, says func(readyz string) error) error {
	return until(ctx, what, func() error {
		for _, unit := range s.Webhooks {
			readyz, err := unit.Get(ctx, "/readyz")
			if err != nil {
				return err
			}
			if err := says(readyz); err != nil {
				return err
			}
		}
		return nil
	})
}

// short is the beginning of a digest.
func short(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }
