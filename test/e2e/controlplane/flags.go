package controlplane

import "strconv"

func (c *ControlPlane) etcdFlags() []string {
	client, peer := c.Etcd(), c.peerURL()
	return []string{
		"--data-dir=" + c.dataFolder(),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--name=" + etcdName,
		"--initial-cluster=" + etcdName + "=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

const (
	// ServiceRange is what Services get their addresses of.
	ServiceRange = "10.0.0.0/24"
	// serviceAddress is that of the Service kubernetes: the first of the range.
	serviceAddress = "10.0.0.1"
)

func (c *ControlPlane) apiserverFlags(a *APIServer) []string {
	flags := []string{
		"--etcd-servers=" + c.Etcd(),
		"--secure-port=" + strconv.Itoa(a.port.Number),
		"--service-cluster-ip-range=" + ServiceRange,
		"--tls-cert-file=" + c.files.certificate,
		"--tls-private-key-file=" + c.files.key,
		"--client-ca-file=" + c.files.authority,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.files.tokenVerifier,
		"--service-account-signing-key-file=" + c.files.tokenSigner,
		"--allow-privileged=true",
		"--admission-control-config-file=" + c.files.admission,
		"--audit-policy-file=" + c.files.auditPolicy,
		"--audit-log-path=" + a.auditLog,
		"--audit-log-mode=blocking-strict",
	}
	if c.address == "" {
		return append(flags,
			"--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1",
			// The service "kubernetes" cannot point to a loopback address.
			"--endpoint-reconciler-type=none",
			"--authorization-mode=RBAC",
			// No controller makes default service accounts here, nor takes the taint
			// from nodes that have become ready. The built-in Pod Security would
			// refuse pods before usher is asked.
			"--disable-admission-plugins=ServiceAccount,PodSecurity,TaintNodesByCondition",
		)
	}
	return append(flags,
		"--bind-address=0.0.0.0",
		"--advertise-address="+c.address,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		// Nothing resolves names of nodes.
		"--kubelet-preferred-address-types=InternalIP",
	)
}

// names are by which pods reach the API server.
func (c *ControlPlane) names() []string {
	if c.address == "" {
		return nil
	}
	return []string{c.address, serviceAddress, "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
}
