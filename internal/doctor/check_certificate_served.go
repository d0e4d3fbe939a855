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
		// The kubelet brings a changed Secret within about two minutes.
		const patience = 5 * time.Minute
		for i := range s.Answers {
			a := &s.Answers[i]
			served := a.gauge(metricExpiry, "", "")
			if a.App != webhookName || served == nil || s.Now.Sub(chain[0].NotBefore) < patience {
				continue
			}
			if math.Abs(*served-float64(chain[0].NotAfter.Unix())) > 1 {
				found = append(found, errorOf(Object{"Pod", s.Namespace, a.Pod}, "restart the pod, and keep its log: it says why the files were not read",
					"it serves a certificate that expires at %s; the one in the Secret %s expires at %s",
					time.Unix(int64(*served), 0).UTC().Format(time.RFC3339), s.servingSecret(), chain[0].NotAfter.UTC().Format(time.RFC3339)))
			}
		}
		return found
	},
}

// Metrics of usher's that checks read.
const (
	metricExpiry   = "usher_certificate_expiry_timestamp_seconds"
	metricHeard    = "usher_watch_heard_timestamp_seconds"
	metricReloadOK = "usher_policy_reload_ok"
)
