package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// askCluster bounds a look at the cluster.
const askCluster = 30 * time.Second

// source is where objects come from: files, or the cluster that kubectl talks to.
type source struct {
	files               []string
	kubeconfig, context string
}

// addFlags adds the flags that say so. kinds names the objects, in the plural.
func (s *source) addFlags(f *pflag.FlagSet, kinds string) {
	f.StringArrayVarP(&s.files, "file", "f", nil, kinds+": a `FILE`, a folder, or - for standard input; may be repeated")
	f.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig `FILE` (default as kubectl finds it)")
	f.StringVar(&s.context, "context", "", "`CONTEXT` of the kubeconfig")
}

// validate refuses files and a cluster at once.
func (s *source) validate(kinds string) error {
	if len(s.files) > 0 && (s.kubeconfig != "" || s.context != "") {
		return usagef("--kubeconfig and --context are for %s of a cluster, not for files", kinds)
	}
	return nil
}

// connect finds the cluster as kubectl does.
func (s *source) connect() (client.Reader, error) {
	reader, err := s.client()
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w; name files by -f to do without one", err)
	}
	return reader, nil
}

// config is how kubectl would connect.
func (s *source) config() (*rest.Config, error) { return loadConfig(s.kubeconfig, s.context) }

func (s *source) client() (client.Reader, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return client.New(cfg, client.Options{Scheme: scheme})
}

// explainMissing says what to do where a kind is not installed.
func explainMissing(kinds string, err error) error {
	if meta.IsNoMatchError(err) {
		return errors.New("the cluster does not know " + kinds + "; install usher's CRDs (manifests/crd)")
	}
	return err
}

// cluster is the one that kubectl talks to, or that a pod runs in.
type cluster struct{ kubeconfig, context string }

func (c *cluster) addFlags(f *pflag.FlagSet) {
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "kubeconfig `FILE` (default as kubectl finds it, else the pod's service account)")
	f.StringVar(&c.context, "context", "", "`CONTEXT` of the kubeconfig")
}

func (c *cluster) config() (*rest.Config, error) {
	cfg, err := loadConfig(c.kubeconfig, c.context)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return cfg, nil
}

// loadConfig finds a cluster as kubectl does.
func loadConfig(kubeconfig, context string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
}

// installedIn is the namespace of the pod that runs the command, else usher's own.
func installedIn() string { return cmp.Or(os.Getenv("POD_NAMESPACE"), "usher-system") }
