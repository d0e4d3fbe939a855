package doctor

import (
	"math"
	"time"
)

var checkCertificateServed = &Check{
	ID:    "certificate-served",
	Title: "every replica serves the certificate in the Secret",
	Why: "A replica that does not read a renewed certificate goes on with the old one until that expires, or until its authority " +
		"is dropped from the bundle.",
	Needs: []Kind{kindAnswers, kindSecrets},
	Live:  true,
	run: func(s *Snapshot) (found []Finding) {
		chain, _ := s.servingCertificate()
		if chain == nil {
			return nil // serving-certificate says it
		}
		for i := range s.Answers {
			a := &s.Answers[i]
			object := Object{"Pod", s.Namespace, a.Pod}
			if a.App != webhookName {
				continue
			}
			for _, reason := range a.labels(metricProblem, "reason") {
				found = append(found, errorOf(object, "see its log, which says what is wrong with the files of its certificate", "it cannot use what is in its certificate files, or what it uses: %s", reason))
			}
			served := a.gauge(metricExpiry, "certificate", "serving")
			if served != nil && s.Now.Sub(s.certificateWritten()) > certificatePatience && math.Abs(*served-float64(chain[0].NotAfter.Unix())) > 1 {
				found = append(found, errorOf(object, "restart the pod, and keep its log: it says why the files were not read",
					"it serves a certificate that expires at %s; the one in the Secret %s expires at %s",
					time.Unix(int64(*served), 0).UTC().Format(time.RFC3339), s.servingSecret(), chain[0].NotAfter.UTC().Format(time.RFC3339)))
			}
		}
		return found
	},
}

// certificatePatience is more than the kubelet takes to bring a changed Secret into
// a pod, about two minutes.
const certificatePatience = 5 * time.Minute

// certificateWritten is when the Secret that usher serves with was last written.
func (s *Snapshot) certificateWritten() (at time.Time) {
	secret := find(s.Secrets, s.Namespace, s.servingSecret())
	at = secret.CreationTimestamp.Time
	for _, entry := range secret.ManagedFields {
		if entry.Time != nil && entry.Time.After(at) {
			at = entry.Time.Time
		}
	}
	return at
}

// Metrics of usher's that checks read.
const (
	metricExpiry   = "usher_certificate_expiry_timestamp_seconds"
	metricHeard    = "usher_watch_heard_timestamp_seconds"
	metricReloadOK = "usher_policy_reload_ok"
	metricProblem  = "usher_certificate_problem"
	metricFailures = "usher_policy_failures_total"
)
