package doctor

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const day = 24 * time.Hour

// bundles sets every CA bundle of usher's.
func bundles(s *Snapshot, bundle []byte) {
	for _, h := range hooksOf(s) {
		h.ClientConfig.CABundle = bundle
	}
	for _, c := range s.Mutating {
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = bundle
		}
	}
}

var certificateFaults = map[string][]fault{
	"ca-bundle": {
		{name: "empty", plant: func(_ *testing.T, s *Snapshot) { bundles(s, nil) }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: the CA bundle is empty: the API server trusts no certificate of Service usher-system/usher-webhook",
			"error ValidatingWebhookConfiguration usher-webhook: the CA bundle is empty…",
		}},
		{name: "empty in files, to be injected", files: true, plant: func(t *testing.T, s *Snapshot) {
			bundles(s, nil)
			certManagerWaits(t, s)
		}},
		{name: "unreadable", plant: func(_ *testing.T, s *Snapshot) { hooksOf(s)[1].ClientConfig.CABundle = []byte("none") }, want: []string{
			"error ValidatingWebhookConfiguration usher-webhook: the CA bundle is unreadable: there is no certificate in PEM in it",
		}},
		{name: "expired", plant: func(t *testing.T, s *Snapshot) {
			old, _ := issue(t, "x", now.Add(-100*day), 9*day)
			hooksOf(s)[0].ClientConfig.CABundle = old
		}, want: []string{"error ValidatingWebhookConfiguration usher-webhook: every authority in the CA bundle has expired, the last at 2026-11-15T12:00:00Z"}},
		{name: "an old authority beside a good one", plant: func(t *testing.T, s *Snapshot) {
			old, _ := issue(t, "x", now.Add(-100*day), 9*day)
			hooksOf(s)[0].ClientConfig.CABundle = append(old, hooksOf(s)[0].ClientConfig.CABundle...)
		}},
		{name: "about to expire", plant: func(t *testing.T, s *Snapshot) {
			old, _ := issue(t, "x", now.Add(-98*day), 10*day)
			hooksOf(s)[0].ClientConfig.CABundle = old
		}, want: []string{`warning ValidatingWebhookConfiguration usher-webhook: the last authority in the CA bundle, "usher-ca", expires in 2 days, and should have been renewed`}},
	},
	"serving-certificate": {
		{name: "no Secret", plant: func(_ *testing.T, s *Snapshot) { s.Secrets = nil }, want: []string{"error Secret usher-system/usher-webhook-tls: it is not there: pods of usher-webhook wait for it and do not start"}},
		{name: "no Secret in files", files: true, plant: func(_ *testing.T, s *Snapshot) { s.Secrets = nil }},
		{name: "unreadable", plant: func(_ *testing.T, s *Snapshot) { s.Secrets[0].Data[corev1.TLSCertKey] = []byte("x") }, want: []string{"error Secret usher-system/usher-webhook-tls: tls.crt is unreadable: …"}},
		{name: "expired", plant: func(t *testing.T, s *Snapshot) {
			certify(t, s, "usher-webhook.usher-system.svc", now.Add(-91*day))
		}, want: []string{"error Secret usher-system/usher-webhook-tls: the certificate expired at 2026-11-24T12:00:00Z"}},
		{name: "late", plant: func(t *testing.T, s *Snapshot) {
			certify(t, s, "usher-webhook.usher-system.svc", now.Add(-85*day))
		}, want: []string{"warning Secret usher-system/usher-webhook-tls: the certificate expires in 5 days, and should have been renewed"}},
		{name: "of tomorrow", plant: func(t *testing.T, s *Snapshot) {
			certify(t, s, "usher-webhook.usher-system.svc", now.Add(day))
		}, want: []string{"error Secret usher-system/usher-webhook-tls: the certificate is not valid before 2026-11-26T12:00:00Z"}},
		{name: "for another host", plant: func(t *testing.T, s *Snapshot) {
			certify(t, s, "usher.example.com", now.Add(-day))
		}, want: []string{"error Secret usher-system/usher-webhook-tls: the certificate is for [usher.example.com], and the API server asks for usher-webhook.usher-system.svc"}},
		{name: "of another authority", plant: func(t *testing.T, s *Snapshot) {
			_, leaf := issue(t, "usher-webhook.usher-system.svc", now.Add(-day), 90*day)
			s.Secrets[0].Data[corev1.TLSCertKey] = leaf
		}, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: the CA bundle does not verify the certificate in Secret usher-system/usher-webhook-tls: …",
			"error ValidatingWebhookConfiguration usher-webhook: the CA bundle does not verify…",
		}},
	},
	"certificate-mode": {
		{name: "nobody writes", plant: func(_ *testing.T, s *Snapshot) { annotate(s, injectSelf, "self") }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: it asks usher-controller to write its CA bundle (usher.dev/inject-ca: self), which runs without --cert-mode=self",
			"error ValidatingWebhookConfiguration usher-webhook: it asks usher-controller…",
		}},
		{name: "nobody asks", plant: func(_ *testing.T, s *Snapshot) { selfMode(s) }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: usher-controller runs with --cert-mode=self, and it does not ask for its CA bundle: …",
			"error ValidatingWebhookConfiguration usher-webhook: usher-controller runs with…",
		}},
		{name: "self", plant: func(_ *testing.T, s *Snapshot) {
			selfMode(s)
			annotate(s, injectSelf, "self")
		}},
		{name: "two write", plant: func(_ *testing.T, s *Snapshot) {
			selfMode(s)
			annotate(s, injectSelf, "self")
			s.Mutating[0].Annotations[injectFrom] = "usher-system/usher-webhook"
		}, want: []string{"error MutatingWebhookConfiguration usher-webhook: it asks both usher-controller and cert-manager to write its CA bundle"}},
		{name: "no injector", plant: func(_ *testing.T, s *Snapshot) { annotate(s, injectFrom, "usher-system/usher-webhook") }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: it asks cert-manager to write its CA bundle, and no Deployment of a CA injector is in the cluster",
			"error ValidatingWebhookConfiguration usher-webhook: it asks cert-manager…",
		}},
		{name: "an injector", plant: func(_ *testing.T, s *Snapshot) {
			annotate(s, injectFrom, "usher-system/usher-webhook")
			s.Deployments = append(s.Deployments, deployment("cert-manager", "cert-manager-cainjector"))
		}},
	},
	"certificate-served": {{name: "a replica cannot read its files", plant: func(_ *testing.T, s *Snapshot) {
		answer(s, "usher-webhook-node-1").set(metricProblem, "reason", "unreadable", 1)
		answer(s, "usher-webhook-node-1").set(metricProblem, "reason", "expired", 0)
	}, want: []string{"error Pod usher-system/usher-webhook-node-1: it cannot use what is in its certificate files, or what it uses: unreadable"}}, {name: "the Secret is new", plant: func(_ *testing.T, s *Snapshot) {
		answer(s, "usher-webhook-node-2").set(metricExpiry, "certificate", "serving", float64(now.Add(time.Hour).Unix()))
		s.Secrets[0].ManagedFields = []metav1.ManagedFieldsEntry{{Time: &metav1.Time{Time: now.Add(-time.Minute)}}}
	}}, {name: "a replica has an older one", plant: func(_ *testing.T, s *Snapshot) {
		answer(s, "usher-webhook-node-2").set(metricExpiry, "certificate", "serving", float64(now.Add(time.Hour).Unix()))
	}, want: []string{"error Pod usher-system/usher-webhook-node-2: it serves a certificate that expires at 2026-11-25T13:00:00Z; the one in the Secret usher-webhook-tls expires at 2027-02-22T12:00:00Z"}}},
}

func answer(s *Snapshot, pod string) *Answer {
	for i := range s.Answers {
		if s.Answers[i].Pod == pod {
			return &s.Answers[i]
		}
	}
	panic("no pod " + pod)
}

// annotate annotates usher's webhook configurations.
func annotate(s *Snapshot, key, value string) {
	for _, c := range s.Validating {
		c.Annotations = map[string]string{key: value}
	}
	for _, c := range s.Mutating {
		c.Annotations = map[string]string{key: value}
	}
}

func selfMode(s *Snapshot) {
	c := &s.deployment(controllerName).Spec.Template.Spec.Containers[0]
	c.Args = append(c.Args, "--cert-mode=self")
}
