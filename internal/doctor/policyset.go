package doctor

import (
	"io/fs"
	"path"
	"strings"
	"testing/fstest"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
)

// policySet compiles what the webhook does: the embedded policies, those of its
// folder over them, with its configuration. folder is nil where it has none, or
// none that can be seen.
func (s *Snapshot) policySet(folder fs.FS) (*engine.Set, error) {
	cfg := s.configurationOrDefault()
	if folder == nil {
		return engine.Compile(cfg, policies.FS)
	}
	return engine.Compile(cfg, policies.FS, folder)
}

// policyFolder is what the webhook's Deployment mounts for --policy-dir, from the
// ConfigMaps behind it. named says that there is such a flag.
func (s *Snapshot) policyFolder() (folder fs.FS, from Object, named bool) {
	d := s.deployment(webhookName)
	if d == nil {
		return nil, Object{}, false
	}
	dir := flagOf(d, "--policy-dir")
	if dir == "" {
		return nil, Object{}, false
	}
	from = objectOf("Deployment", d)
	files := fstest.MapFS{}
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, m := range c.VolumeMounts {
			below, inside := strings.CutPrefix(path.Clean(m.MountPath)+"/", path.Clean(dir)+"/")
			if !inside || m.SubPath != "" {
				continue
			}
			for i := range d.Spec.Template.Spec.Volumes {
				if v := &d.Spec.Template.Spec.Volumes[i]; v.Name == m.Name {
					from = s.addVolume(files, below, v, from)
				}
			}
		}
	}
	if len(files) == 0 {
		return nil, from, true
	}
	return files, from, true
}

// addVolume adds the files of the ConfigMaps behind a volume.
func (s *Snapshot) addVolume(files fstest.MapFS, below string, v *corev1.Volume, from Object) Object {
	sources := []*corev1.ConfigMapProjection{}
	if v.ConfigMap != nil {
		sources = append(sources, &corev1.ConfigMapProjection{LocalObjectReference: v.ConfigMap.LocalObjectReference, Items: v.ConfigMap.Items})
	}
	if v.Projected != nil {
		for i := range v.Projected.Sources {
			if p := v.Projected.Sources[i].ConfigMap; p != nil {
				sources = append(sources, p)
			}
		}
	}
	for _, source := range sources {
		object := find(s.ConfigMaps, s.Namespace, source.Name)
		if object == nil {
			continue
		}
		from = objectOf("ConfigMap", object)
		items := source.Items
		if len(items) == 0 {
			for key := range object.Data {
				items = append(items, corev1.KeyToPath{Key: key, Path: key})
			}
		}
		for _, item := range items {
			if content, ok := object.Data[item.Key]; ok {
				files[path.Join(below, item.Path)] = &fstest.MapFile{Data: []byte(content), Mode: 0o444}
			}
		}
	}
	return from
}

// flagOf is the value of a flag of a Deployment's first container, "" if it is not
// set.
func flagOf(d *appsv1.Deployment, flag string) string {
	for _, c := range d.Spec.Template.Spec.Containers[:min(1, len(d.Spec.Template.Spec.Containers))] {
		words := append(append([]string{}, c.Command...), c.Args...)
		for i, word := range words {
			if value, ok := strings.CutPrefix(word, flag+"="); ok {
				return value
			}
			if word == flag && i+1 < len(words) {
				return words[i+1]
			}
		}
	}
	return ""
}
