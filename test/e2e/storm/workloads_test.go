package storm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"usher.dev/usher/test/e2e/await"
)

// TestDeploymentsAndJobsStayWithinTheLimit: the controllers of Kubernetes make the
// pods, are refused and try again, while Deployments are scaled and Jobs come, end
// and are deleted at random.
func TestDeploymentsAndJobsStayWithinTheLimit(t *testing.T) {
	const deployments, limit = 4, 24
	n := shared.tenant(t, "workloads", `perTenant: "24"`, "workloads-a", "workloads-b")
	shared.runPods(t)
	shared.runControllers(t)
	client := shared.client(t)
	var all []*appsv1.Deployment
	for i := range deployments {
		d, err := client.AppsV1().Deployments(n.namespaces[i%2]).Create(t.Context(), deployment(fmt.Sprint("d-", i), 0), metav1.CreateOptions{})
		must(t, err)
		d.Namespace = n.namespaces[i%2]
		all = append(all, d)
	}

	seed := rand.Uint64()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var group sync.WaitGroup
	scales, jobs := 0, 0
	group.Go(func() {
		random := rand.New(rand.NewPCG(seed, 1))
		for wait(ctx, 100*time.Millisecond) {
			scale(t, client, all[random.IntN(len(all))], random.Int32N(limit))
			scales++
		}
	})
	group.Go(func() {
		random := rand.New(rand.NewPCG(seed, 2))
		var made []*batchv1.Job
		for wait(ctx, 200*time.Millisecond) {
			job, err := client.BatchV1().Jobs(n.namespaces[random.IntN(2)]).Create(t.Context(), job(1+random.Int32N(6)), metav1.CreateOptions{})
			if err != nil {
				t.Errorf("create a Job: %v", err)
				return
			}
			jobs++
			if made = append(made, job); random.IntN(2) == 0 {
				i := random.IntN(len(made))
				remove(t, client, made[i])
				made = slices.Delete(made, i, i+1)
			}
		}
	})
	group.Wait()
	t.Logf("%d times scaled, %d Jobs, seed %d", scales, jobs, seed)

	// Nothing is stuck: with room for all, all come.
	for _, d := range all {
		scale(t, client, d, 0)
	}
	for _, namespace := range n.namespaces {
		must(t, client.BatchV1().Jobs(namespace).DeleteCollection(t.Context(), inBackground(), metav1.ListOptions{}))
	}
	n.empty(t)
	for _, d := range all {
		scale(t, client, d, limit/deployments)
	}
	for _, d := range all {
		await.Success(t, patience, d.Name+" has all its pods", func() (struct{}, error) {
			now, err := client.AppsV1().Deployments(d.Namespace).Get(t.Context(), d.Name, metav1.GetOptions{})
			if err == nil && now.Status.ReadyReplicas != limit/deployments {
				err = fmt.Errorf("%d of %d are ready", now.Status.ReadyReplicas, limit/deployments)
			}
			return struct{}{}, err
		})
	}
	n.settled(t, patience)
	if figures := n.intact(t); figures.Peak != limit*1e6 {
		t.Errorf("at most %s were held, so nothing was refused", gpus(figures.Peak))
	}
	for _, d := range all {
		must(t, client.AppsV1().Deployments(d.Namespace).Delete(t.Context(), d.Name, inBackground()))
	}
	n.empty(t)
}

// TestWhoWritesAWorkloadThatHasNoRoomIsWarned: the pods are refused one by one
// later, where their owner does not look.
func TestWhoWritesAWorkloadThatHasNoRoomIsWarned(t *testing.T) {
	n := shared.tenant(t, "warned", `perTenant: "24"`, "warned")
	config, err := shared.As(user)
	must(t, err)
	heard := &warnings{}
	config.WarningHandlerWithContext = heard
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	for _, test := range []struct {
		replicas int32
		want     string
	}{
		{24, ""},
		{25, "25 replicas ask for 25 GPU together, and of the tenant's 24"},
	} {
		heard.texts = nil
		_, err := client.AppsV1().Deployments(n.namespaces[0]).Create(t.Context(), deployment(fmt.Sprint("d-", test.replicas), test.replicas), metav1.CreateOptions{})
		must(t, err)
		got := strings.Join(heard.texts, "\n")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%d replicas: warned of %q, want %q", test.replicas, got, test.want)
		}
	}
	n.intact(t)
}

// warnings collects what the API server warns of.
type warnings struct{ texts []string }

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.texts = append(w.texts, text)
}

var _ rest.WarningHandlerWithContext = &warnings{}

// runControllers runs those controllers of Kubernetes that make and delete pods
// and claims, until the test ends.
func (c *cluster) runControllers(t *testing.T) {
	t.Helper()
	controllers, err := c.NewControllerManager([]string{
		"deployment-controller", "replicaset-controller", "job-controller", "resourceclaim-controller", "garbage-collector-controller",
	})
	must(t, err)
	t.Cleanup(controllers.Release)
	must(t, controllers.Start(t.Context()))
}

// empty waits until nothing of the tenant lives and its ledger says so.
func (n *tenant) empty(t *testing.T) {
	t.Helper()
	await.Success(t, patience, "no pod is left", func() (struct{}, error) {
		for _, namespace := range n.namespaces {
			pods, err := n.admin.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil || len(pods.Items) > 0 {
				return struct{}{}, errors.Join(err, fmt.Errorf("%d pods in %s", len(pods.Items), namespace))
			}
		}
		return struct{}{}, nil
	})
	n.settled(t, patience)
}

func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec(devices{wholeGPU: 1})},
		},
	}
}

// job makes pods of one GPU each, which KWOK ends once they run.
func job(parallelism int32) *batchv1.Job {
	spec := podSpec(devices{wholeGPU: 1})
	spec.RestartPolicy = corev1.RestartPolicyNever
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "j-"},
		Spec: batchv1.JobSpec{
			Parallelism: &parallelism, Completions: new(2 * parallelism),
			Template: corev1.PodTemplateSpec{Spec: spec},
		},
	}
}

func scale(t *testing.T, client kubernetes.Interface, d *appsv1.Deployment, replicas int32) {
	_, err := client.AppsV1().Deployments(d.Namespace).UpdateScale(t.Context(), d.Name,
		&autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas}},
		metav1.UpdateOptions{})
	if err != nil {
		t.Errorf("scale %s: %v", d.Name, err)
	}
}

func remove(t *testing.T, client kubernetes.Interface, j *batchv1.Job) {
	if err := client.BatchV1().Jobs(j.Namespace).Delete(t.Context(), j.Name, inBackground()); err != nil {
		t.Errorf("delete Job %s: %v", j.Name, err)
	}
}

// inBackground leaves what an object owns to the garbage collector.
func inBackground() metav1.DeleteOptions {
	return metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)}
}
