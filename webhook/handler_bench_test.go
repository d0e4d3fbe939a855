package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/webhook"
)

const benchNamespace = `
apiVersion: v1
kind: Namespace
metadata:
  name: team
  labels: {tenant: a, pod-security.kubernetes.io/enforce: restricted}
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: a}
spec:
  nodePool: {}
  gpu: {perPod: "4", perContainer: "4"}
`

// benchReview is a pod as the API server sends it; the verbs take the request's
// number, the volume's random suffix, an image, a CPU amount.
const benchReview = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"705ab4f5-6393-11e8-b7cc-%012d","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"group":"","version":"v1","kind":"Pod"},"namespace":"team","operation":"CREATE","userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller","uid":"1","groups":["system:serviceaccounts","system:authenticated"]},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-6d4cf56db6-","namespace":"team","creationTimestamp":null,"labels":{"app":"web","pod-template-hash":"6d4cf56db6"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-6d4cf56db6","uid":"f2","controller":true,"blockOwnerDeletion":true}],"managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{},"f:memory":{}}}}}}}}]},"spec":{"volumes":[{"name":"kube-api-access-%05d","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}},{"name":"data","emptyDir":{}}],"containers":[{"name":"web","image":"registry.example/web:%d","args":["--listen=:8080","--log=info"],"ports":[{"containerPort":8080,"protocol":"TCP"}],"env":[{"name":"A","value":"b"},{"name":"POD","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}}],"resources":{"limits":{"cpu":"%dm","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},"volumeMounts":[{"name":"data","mountPath":"/data"},{"name":"kube-api-access-%05d","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"livenessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"runAsNonRoot":true}},{"name":"proxy","image":"registry.example/proxy:1","resources":{"limits":{"cpu":"200m","memory":"64Mi"},"requests":{"cpu":"100m","memory":"32Mi"}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"runAsNonRoot":true}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","nodeSelector":{"tenant":"a"},"serviceAccountName":"default","serviceAccount":"default","securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"schedulerName":"default-scheduler","tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"tenant","operator":"Equal","value":"a","effect":"NoSchedule"}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{}},"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`

// replicaReview is one of the pods of a ReplicaSet.
func replicaReview(i int) string { return fmt.Sprintf(benchReview, i, i%99999, 1, 500, i%99999) }

// benchHandlers are those of a webhook with the embedded policies, as configured,
// in a cluster with the namespace and the tenant of these benchmarks.
func benchHandlers(b *testing.B, cfg *v1alpha1.AdmissionConfiguration, ledger webhook.Ledger) (mutate, validate http.Handler) {
	b.Helper()
	set, err := engine.Compile(cfg, policies.FS)
	must(b, err)
	objects := cluster.NewObjects()
	must(b, objects.AddYAML([]byte(benchNamespace)))
	reviewer, err := webhook.NewReviewer(engine.New(set).Current, objects, ledger, cfg)
	must(b, err)
	return webhook.NewHandlers(reviewer, logr.Discard(), logr.Discard(), webhook.NewMetrics(prometheus.NewRegistry()))
}

// ask sends reviews until the benchmark has enough; each has to be allowed.
func ask(b *testing.B, handler http.Handler, path string, review func(i int) string) {
	b.Helper()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path+"?timeout=10s", bytes.NewReader([]byte(review(i))))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !bytes.Contains(w.Body.Bytes(), []byte(`"allowed":true`)) {
			b.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, bench := range []struct {
		name   string
		review func(i int) string
	}{
		{"the pods of one ReplicaSet", replicaReview},
		{"pods that all differ", func(i int) string { return fmt.Sprintf(benchReview, i, i%99999, i, 100+i%10_000_000, i%99999) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			_, validate := benchHandlers(b, config.Default(), nil)
			ask(b, validate, "/validate", bench.review)
		})
	}
}
