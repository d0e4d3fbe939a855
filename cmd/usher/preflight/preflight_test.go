package preflight

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// healthy are the options and facts of a cluster in which nothing is wrong.
func healthy() (Options, *Facts) {
	o := Options{For: Install, Namespace: "usher-system", CertMode: CertSelf, Now: now}
	facts := &Facts{Version: &version.Info{GitVersion: "v1.37.2"}, Served: map[string]bool{}, Versions: []string{"v1alpha1"}}
	for _, r := range required(o) {
		facts.Served[r.String()] = true
	}
	return o, facts
}

// keyPair is a Secret with a certificate.
func keyPair(t *testing.T, host string, from, until time.Time) map[string]*corev1.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*corev1.Secret{"usher-webhook-tls": {Data: map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}}}
}

func TestCompare(t *testing.T) {
	const host = "usher-webhook.usher-system.svc"
	day := 24 * time.Hour
	files := func(from, until time.Duration) func(*Options, *Facts) {
		return func(o *Options, f *Facts) {
			o.CertMode, f.Secrets = CertFiles, keyPair(t, host, now.Add(from), now.Add(until))
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*Options, *Facts)
		want   string
		worst  Severity
	}{
		{"an older API server", func(_ *Options, f *Facts) { f.Version.GitVersion = "v1.29.12-gke.100" }, "error    API server: v1.29.12-gke.100 is older than 1.30.0, the first that has what usher needs; upgrade the cluster first", Wrong},
		{"one that is just new enough", func(_ *Options, f *Facts) { f.Version.GitVersion = "v1.30.0-eks-1" }, "ok       API server: v1.30.0-eks-1", Fine},
		{"one that does not say what it is", func(_ *Options, f *Facts) { f.Version.GitVersion = "next" }, `warning  API server: its version "next" cannot be read; make sure that it is Kubernetes 1.30.0 or newer`, Doubtful},
		{"no claims", func(_ *Options, f *Facts) { delete(f.Served, "resource.k8s.io/v1/resourceclaims") }, "warning  API server: resource.k8s.io/v1/resourceclaims is not served: GPUs that pods hold by claims are not counted; use Kubernetes 1.34 or newer where tenants have claims", Doubtful},
		{"no admission policies", func(_ *Options, f *Facts) {
			delete(f.Served, "admissionregistration.k8s.io/v1/validatingadmissionpolicies")
		}, "error    API server: admissionregistration.k8s.io/v1/validatingadmissionpolicies is not served; let the API server serve it (--runtime-config)", Wrong},
		{"kinds that are about to go", func(_ *Options, f *Facts) {
			f.CRDs = map[string]*apiextensionsv1.CustomResourceDefinition{"tenants.usher.dev": {ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{Time: now}}}}
		}, "error    kinds of usher: CRD tenants.usher.dev is being deleted; wait until it is gone, with all of its objects; what holds them up is in their finalizers", Wrong},
		{"a certificate that will do", files(-day, 90*day), "ok       certificates: provided, until 2027-02-23T12:00:00Z", Fine},
		{"a certificate that ends soon", files(-day, 6*day), "warning  certificates: the certificate in Secret usher-system/usher-webhook-tls ends at 2026-12-01T12:00:00Z; renew it", Doubtful},
		{"a certificate that has ended", files(-2*day, -day), "error    certificates: the certificate in Secret usher-system/usher-webhook-tls ended at 2026-11-24T12:00:00Z; renew it", Wrong},
		{"a certificate of tomorrow", files(day, 90*day), "error    certificates: the certificate in Secret usher-system/usher-webhook-tls is valid from 2026-11-26T12:00:00Z on; look at the clocks", Wrong},
		{"no certificate", func(o *Options, f *Facts) {
			o.CertMode, f.Secrets = CertFiles, map[string]*corev1.Secret{"usher-webhook-tls": {}}
		}, "error    certificates: Secret usher-system/usher-webhook-tls holds no certificate and key that fit: tls: failed to find any PEM data in certificate input; make it of type kubernetes.io/tls for the name usher-webhook.usher-system.svc", Wrong},
		{"a namespace for the agent", func(o *Options, f *Facts) {
			o.Agent, f.Namespace = true, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{enforceLabel: "privileged"}}}
		}, "ok       Pod Security: the namespace admits the agent", Fine},
		{"an API server that does not show where it is", func(o *Options, _ *Facts) { o.APIServerPorts = []int32{443} }, "warning  network policies: it does not show where the API server listens; make sure that networkPolicy.apiServer.ports names it", Doubtful},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, facts := healthy()
			tt.change(&o, facts)
			findings := Compare(o, facts)
			var lines []string
			for _, f := range findings {
				lines = append(lines, f.String())
			}
			// Whatever else was looked at is fine.
			var others []string
			found := false
			for _, line := range lines {
				found = found || line == tt.want
				if line != tt.want && !strings.HasPrefix(line, "ok ") {
					others = append(others, line)
				}
			}
			if !found || len(others) > 0 || Worst(findings) != tt.worst {
				t.Errorf("worst %s; want %q\nand got\n%s", Worst(findings), tt.want, strings.Join(lines, "\n"))
			}
		})
	}
}

func TestNothingIsWrongWithAHealthyCluster(t *testing.T) {
	o, facts := healthy()
	var got []string
	for _, f := range Compare(o, facts) {
		got = append(got, f.String())
	}
	want := []string{
		"ok       API server: v1.37.2",
		"ok       kinds of usher: not there yet",
		"ok       registration: nobody is asked yet",
		"ok       certificates: made by usher",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
