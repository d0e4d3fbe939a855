package scheduling

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/webhook"
)

const agentName = "usher-agent"

// agent is the usher-agent of one node. It writes as the pod that a DaemonSet
// would run there, whose token names the node.
type agent struct {
	process   *controlplane.Process
	log       string
	binary    string
	arguments []string
}

// startAgentOf starts the agent of a node with flags that say what the node's
// hardware is. Folder holds its files.
func (f *fleet) startAgentOf(t *testing.T, name, folder string, flags ...string) {
	t.Helper()
	c := f.cluster
	pod := c.create(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: agentName + "-", Namespace: webhook.Namespace},
		Spec: corev1.PodSpec{
			NodeName:           name,
			ServiceAccountName: agentName,
			Containers:         []corev1.Container{{Name: "agent", Image: agentName + ":devel"}},
		},
	})
	config, err := c.AsServiceAccount(t.Context(), webhook.Namespace, agentName,
		&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := controlplane.WriteKubeconfig(kubeconfig, config); err != nil {
		t.Fatal(err)
	}
	// The path of a socket has to be short.
	sockets, err := os.MkdirTemp("", "kubelet-") //nolint:usetesting // t.TempDir is named after the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	socket := filepath.Join(sockets, "kubelet.sock")
	if err := f.nodes[name].Serve(t.Context(), socket); err != nil {
		t.Fatal(err)
	}
	a := &agent{
		log:    filepath.Join(c.folder, fmt.Sprintf("agent-%s-%s.log", name, pod.Name)),
		binary: c.agentBinary,
		arguments: append([]string{
			"--node-name=" + name,
			"--kubeconfig=" + kubeconfig,
			"--kubelet-socket=" + socket,
			"--probe-listen=",
			"--interval=1s",
		}, flags...),
	}
	f.agents[name] = a
	a.start(t)
}

// start starts the agent, again after a kill.
func (a *agent) start(t *testing.T) {
	t.Helper()
	var err error
	if a.process, err = controlplane.StartProcess(agentName, a.log, a.binary, a.arguments...); err != nil {
		t.Fatal(err)
	}
}

// kill ends the agent as a crash would.
func (a *agent) kill() { a.process.Kill() }
