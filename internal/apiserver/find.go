// Package apiserver finds the API server that a binary of usher works with.
package apiserver

import (
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Find returns how to reach the API server: by a kubeconfig file; by $KUBECONFIG
// or the user's own file where none is named; else as the service account of the
// pod that asks. agent names the binary to the server. instead is what a user
// without a cluster can give beside --kubeconfig, such as "--standalone". From then
// on the process's caches list plainly.
func Find(kubeconfig, agent, instead string) (*rest.Config, error) {
	listPlainly()
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		if instead != "" {
			instead = ", or " + instead
		}
		return nil, fmt.Errorf("find the API server: %w; outside a cluster give --kubeconfig%s", err, instead)
	}
	// The API server shares itself out among its clients (Priority and Fairness);
	// client-go's own 5 requests a second would hold up a burst of admissions.
	cfg.QPS = -1
	return rest.AddUserAgent(cfg, agent), nil
}
