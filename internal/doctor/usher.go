package doctor

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/doctor/webhooks"
	"usher.dev/usher/quota"
)

// Names of usher's objects, as its manifests have them.
const (
	defaultNamespace = "usher-system"
	webhookName      = "usher-webhook"
	controllerName   = "usher-controller"
	schedulerName    = "gpu-topology-scheduler"
	extenderName     = "usher-extender"
	agentName        = "usher-agent"
	appLabel         = "app.kubernetes.io/name"
	configFile       = "config.yaml"
)

// namespaceOr is where usher is: as said, or where its webhook configurations
// lead, or where its Deployment is.
func (s *Snapshot) namespaceOr(said string) string {
	if said != "" {
		return said
	}
	for _, h := range s.ushersHooks() {
		if h.Client.Service != nil {
			return h.Client.Service.Namespace
		}
	}
	for _, d := range s.Deployments {
		if d.Name == webhookName {
			return cmp.Or(d.Namespace, defaultNamespace)
		}
	}
	return defaultNamespace
}

func (s *Snapshot) hooks() []*webhooks.Hook { return webhooks.Of(s.Mutating, s.Validating) }

// ushersHooks are those of the configurations that are named as usher's.
func (s *Snapshot) ushersHooks() []*webhooks.Hook {
	return slices.DeleteFunc(s.hooks(), func(h *webhooks.Hook) bool { return !isUshers(h) })
}

func isUshers(h *webhooks.Hook) bool {
	return h.Configuration == webhookName || strings.HasSuffix(h.Name, ".usher.dev")
}

// installsUsher reports whether usher is meant to be there: files may be of
// something else.
func (s *Snapshot) installsUsher() bool {
	return s.Live || s.deployment(webhookName) != nil || len(s.ushersHooks()) > 0
}

// serviceOf is the Service behind a webhook, nil if there is none. usher's webhooks
// that are registered by a URL are taken to lead to its own Service.
func (s *Snapshot) serviceOf(h *webhooks.Hook) *corev1.Service {
	switch {
	case h.Client.Service != nil:
		return find(s.Services, h.Client.Service.Namespace, h.Client.Service.Name)
	case isUshers(h):
		return find(s.Services, s.Namespace, webhookName)
	}
	return nil
}

// deployment is one of usher's, nil if there is none.
func (s *Snapshot) deployment(name string) *appsv1.Deployment {
	return find(s.Deployments, s.Namespace, name)
}

// configuration returns what the webhook's Deployment mounts as its configuration:
// nil where it cannot be found or read, and why.
func (s *Snapshot) configuration() (cfg *v1alpha1.AdmissionConfiguration, from Object, err error) {
	name := s.mountedConfig(s.deployment(webhookName))
	from = Object{"ConfigMap", s.Namespace, cmp.Or(name, webhookName+"-config")}
	object := find(s.ConfigMaps, s.Namespace, name)
	if object == nil {
		return nil, from, nil
	}
	cfg, err = config.Parse([]byte(object.Data[configFile]))
	return cfg, from, err
}

// configurationOrDefault is the configuration as far as it can be read.
func (s *Snapshot) configurationOrDefault() *v1alpha1.AdmissionConfiguration {
	if cfg, _, err := s.configuration(); cfg != nil && err == nil {
		return cfg
	}
	return config.Default()
}

// mountedConfig is the ConfigMap with the configuration file that a Deployment
// mounts, "" if it mounts none.
func (s *Snapshot) mountedConfig(d *appsv1.Deployment) string {
	if d == nil {
		return ""
	}
	return configOf(&d.Spec.Template.Spec)
}

// configOf is the ConfigMap behind the volume "config" of a pod.
func configOf(spec *corev1.PodSpec) string {
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.Name == "config" && v.ConfigMap != nil {
			return v.ConfigMap.Name
		}
	}
	return ""
}

// servingSecret is the Secret that the webhook's Deployment serves with.
func (s *Snapshot) servingSecret() string {
	if d := s.deployment(webhookName); d != nil {
		for i := range d.Spec.Template.Spec.Volumes {
			if v := &d.Spec.Template.Spec.Volumes[i]; v.Name == "tls" && v.Secret != nil {
				return v.Secret.SecretName
			}
		}
	}
	return webhookName + "-tls"
}

// weights say which resources are GPUs.
func (s *Snapshot) weights() *quota.Weights {
	if w, err := quota.WeightsOf(s.configurationOrDefault()); err == nil {
		return w
	}
	w, err := quota.WeightsOf(config.Default())
	if err != nil {
		panic(err) // the defaults are ours
	}
	return w
}

// podsOf are the pods of a part of usher.
func (s *Snapshot) podsOf(app string) (pods []*corev1.Pod) {
	for _, p := range s.Pods {
		if p.Namespace == s.Namespace && p.Labels[appLabel] == app {
			pods = append(pods, p)
		}
	}
	return pods
}

func objectOf(kind string, o client.Object) Object {
	return Object{kind, o.GetNamespace(), o.GetName()}
}

func hookObject(h *webhooks.Hook) Object { return Object{h.Kind, "", h.Configuration} }

// some names at most a few of many.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + plural(len(names)-most, "more", "more")
}
