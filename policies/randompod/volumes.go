package randompod

import (
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// addVolume adds a volume with one source of any type that the API knows,
// sometimes with none or with two.
func (g generator) addVolume(pod *corev1.Pod) {
	volume := corev1.Volume{Name: fmt.Sprint("volume-", len(pod.Spec.Volumes))}
	sources := reflect.ValueOf(&volume.VolumeSource).Elem()
	for range pick(g, 0, 1, 1, 1, 1, 1, 1, 2) {
		source := sources.Field(g.IntN(sources.NumField()))
		source.Set(reflect.New(source.Type().Elem()))
	}
	if g.chance(6) {
		volume.HostPath = &corev1.HostPathVolumeSource{Path: pick(g, "", "/etc")}
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
}
