// Package randompod makes random pods that reach every field that the Pod
// Security Standards read, for tests that compare one judge of pods with another.
package randompod

import (
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// New returns a pod: one that is near some level's requirements, with a few of
// the fields that the standards read changed. Values are those that matter to a
// check, values close to them, and odd ones that no API server would admit.
func New(r *rand.Rand) *corev1.Pod {
	g := generator{r}
	pod := g.base()
	for range pick(g, 0, 0, 1, 1, 1, 2, 2, 3, 4, 6) {
		pick(g, changes...)(g, pod)
	}
	return pod
}

type generator struct{ *rand.Rand }

// pick returns one of the values, each as likely as any other.
func pick[T any](g generator, values ...T) T { return values[g.IntN(len(values))] }

// maybe returns a pointer to one of the values, or nil as often as any of them.
func maybe[T any](g generator, values ...T) *T {
	i := g.IntN(len(values) + 1)
	if i == len(values) {
		return nil
	}
	return &values[i]
}

// chance is true once in n times.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

// changes each change one thing in a pod. Those that stand here several times
// change what most checks are about.
var changes = slices.Concat(
	[]func(generator, *corev1.Pod){
		generator.changeOS,
		generator.changeHostUsers,
		generator.changeHostNamespaces,
		generator.changeSysctls,
		generator.addVolume,
		generator.addVolume,
		generator.addAppArmorAnnotation,
		generator.addSeccompAnnotation,
	},
	slices.Repeat([]func(generator, *corev1.Pod){generator.changePodContext}, 4),
	slices.Repeat([]func(generator, *corev1.Pod){generator.changeContainer}, 10),
)

func (g generator) changeOS(pod *corev1.Pod) {
	pod.Spec.OS = pick(g, nil, &corev1.PodOS{Name: pick(g, corev1.Windows, corev1.Linux, "Windows", "")})
}

func (g generator) changeHostUsers(pod *corev1.Pod) {
	pod.Spec.HostUsers = maybe(g, true, false, false)
}

func (g generator) changeHostNamespaces(pod *corev1.Pod) {
	*pick(g, &pod.Spec.HostNetwork, &pod.Spec.HostPID, &pod.Spec.HostIPC) = true
}

func (g generator) changeContainer(pod *corev1.Pod) {
	c := pick(g, Containers(pod)...)
	pick(g, containerChanges...)(g, c)
}

// Containers returns the containers of all of a pod's lists.
func Containers(pod *corev1.Pod) []*corev1.Container {
	var out []*corev1.Container
	for i := range pod.Spec.InitContainers {
		out = append(out, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		out = append(out, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.EphemeralContainers {
		out = append(out, (*corev1.Container)(&pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return out
}
