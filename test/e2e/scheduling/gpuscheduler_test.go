package scheduling

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// shipped is what manifests/scheduler says of the two programs in its pod.
type shipped struct {
	account        string
	extenderFlags  []string
	schedulerFlags []string
	files          map[string]string
}

// installGPUScheduler applies manifests/scheduler and runs the programs of its
// pod, as its service account and with its configuration, in which only
// addresses and folders are replaced.
func (c *cluster) installGPUScheduler(ctx context.Context) error {
	objects, err := repository.Manifests(ctx, "scheduler")
	if err != nil {
		return err
	}
	if err := c.Apply(ctx, objects...); err != nil {
		return err
	}
	s, err := readShipped(objects)
	if err != nil {
		return err
	}
	config, err := c.AsServiceAccount(ctx, webhook.Namespace, s.account, nil)
	if err != nil {
		return err
	}
	if c.extender, err = c.newExtender(ctx, s, config); err != nil {
		return err
	}
	if err := c.extender.start(ctx); err != nil {
		return err
	}
	configuration := strings.ReplaceAll(s.files["scheduler-config.yaml"], "127.0.0.1:9444", c.extender.port.Address())
	var flags []string
	for _, flag := range s.schedulerFlags {
		if !strings.HasPrefix(flag, "--config=") {
			flags = append(flags, flag)
		}
	}
	if c.gpu, err = c.NewScheduler(gpuScheduler, []byte(configuration), config, flags...); err != nil {
		return err
	}
	return c.gpu.Start(ctx)
}

func (c *cluster) newExtender(ctx context.Context, s *shipped, config *rest.Config) (*extender, error) {
	e := &extender{folder: c.folder}
	var err error
	if e.binary, err = repository.Build(ctx, c.folder, extenderName); err != nil {
		return nil, err
	}
	for _, port := range []**controlplane.Port{&e.port, &e.probePort} {
		if *port, err = controlplane.ReservePort(); err != nil {
			return nil, err
		}
	}
	if err := controlplane.WriteKubeconfig(e.path("extender.kubeconfig"), config); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal([]byte(s.files["extender-config.yaml"]), &e.shipped); err != nil {
		return nil, fmt.Errorf("read the extender's configuration: %w", err)
	}
	here := strings.NewReplacer(
		"127.0.0.1:9444", e.port.Address(),
		"=:8082", "="+e.probePort.Address(),
		"/etc/usher/config/extender-config.yaml", e.path("extender.yaml"),
	)
	for _, flag := range s.extenderFlags {
		e.arguments = append(e.arguments, here.Replace(flag))
	}
	e.arguments = append(e.arguments, "--kubeconfig="+e.path("extender.kubeconfig"))
	return e, e.configure("")
}

func readShipped(objects []*unstructured.Unstructured) (*shipped, error) {
	s := &shipped{}
	for _, object := range objects {
		switch object.GetKind() {
		case "ConfigMap":
			var files corev1.ConfigMap
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &files); err != nil {
				return nil, err
			}
			s.files = files.Data
		case "Deployment":
			var deployment appsv1.Deployment
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &deployment); err != nil {
				return nil, err
			}
			pod := deployment.Spec.Template.Spec
			s.account = pod.ServiceAccountName
			for _, container := range append(pod.InitContainers, pod.Containers...) {
				switch container.Name {
				case "extender":
					s.extenderFlags = container.Args
				case "scheduler":
					s.schedulerFlags = container.Command[1:]
				}
			}
		}
	}
	if s.files == nil || s.extenderFlags == nil || s.schedulerFlags == nil {
		return nil, errors.New("manifests/scheduler lacks the configuration, the extender or the scheduler")
	}
	return s, nil
}
