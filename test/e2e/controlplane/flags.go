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

func (c *ControlPlane) apiserverFlags(a *APIServer) []string {
	return []string{
		"--etcd-servers=" + c.Etcd(),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(a.port.Number),
		// The service "kubernetes" cannot point to a loopback address.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--tls-cert-file=" + c.files.certificate,
		"--tls-private-key-file=" + c.files.key,
		"--client-ca-file=" + c.files.authority,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.files.tokenVerifier,
		"--service-account-signing-key-file=" + c.files.tokenSigner,
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		// No controller makes default service accounts here, nor takes the taint
		// from nodes that have become ready. The built-in Pod Security would
		// refuse pods before usher is asked.
		"--disable-admission-plugins=ServiceAccount,PodSecurity,TaintNodesByCondition",
		"--admission-control-config-file=" + c.files.admission,
		"--audit-policy-file=" + c.files.auditPolicy,
		"--audit-log-path=" + a.auditLog,
		"--audit-log-mode=blocking-strict",
	}
}
