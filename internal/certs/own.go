package certs

// Names of the Secrets that usher-controller keeps with --cert-mode=self.
const (
	AuthoritySecret       = "usher-ca"
	WebhookSecret         = "usher-webhook-tls"
	WebhookClientSecret   = "usher-webhook-client-tls"
	ExtenderSecret        = "usher-extender-tls"
	SchedulerClientSecret = "usher-scheduler-client-tls"
)

// OwnLeaves are usher's certificates where it runs in a namespace: those of its
// two servers, and those by which the API server and kube-scheduler may prove to
// them who they are.
func OwnLeaves(namespace string) []LeafSecret {
	service := func(name string) string { return name + "." + namespace + ".svc" }
	return []LeafSecret{
		{Name: WebhookSecret, Leaf: Leaf{Hosts: []string{service("usher-webhook")}}},
		{Name: WebhookClientSecret, Leaf: Leaf{Usage: ClientAuth, CommonName: "kube-apiserver"}},
		{Name: ExtenderSecret, Leaf: Leaf{Hosts: []string{service("usher-extender"), "localhost", "127.0.0.1", "::1"}}},
		{Name: SchedulerClientSecret, Leaf: Leaf{Usage: ClientAuth, CommonName: "gpu-topology-scheduler"}},
	}
}
