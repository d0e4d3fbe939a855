package chart

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/controlplane"
)

// jobs runs the Jobs of a namespace, each once, as its own service account: what
// the job controller and a kubelet would do.
type jobs struct {
	client kubernetes.Interface
	folder string

	mu   sync.Mutex
	runs []jobRun
}

// jobRun is one that ended.
type jobRun struct {
	name, arguments, output string
	code                    int
}

// runJobs runs Jobs until the test ends.
func runJobs(t *testing.T) *jobs {
	t.Helper()
	client, err := kubernetes.NewForConfig(plane.Config())
	must(t, err)
	j := &jobs{client: client, folder: t.TempDir()}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		done := map[string]bool{}
		for ctx.Err() == nil {
			if err := j.look(ctx, t, done); err != nil && ctx.Err() == nil {
				t.Errorf("run the chart's Jobs: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return j
}

// look runs the Jobs that are not done.
func (j *jobs) look(ctx context.Context, t *testing.T, done map[string]bool) error {
	list, err := j.client.BatchV1().Jobs(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		job := &list.Items[i]
		if done[string(job.UID)] {
			continue
		}
		done[string(job.UID)] = true
		if err := j.run(ctx, t, job); err != nil {
			return fmt.Errorf("%s: %w", job.Name, err)
		}
	}
	return nil
}

func (j *jobs) run(ctx context.Context, t *testing.T, job *batchv1.Job) error {
	pod := job.Spec.Template.Spec
	account, err := plane.AsServiceAccount(ctx, namespace, pod.ServiceAccountName, nil)
	if err != nil {
		return err
	}
	path := filepath.Join(j.folder, string(job.UID))
	if err := controlplane.WriteKubeconfig(path, account); err != nil {
		return err
	}
	started := metav1.Now()
	code, output := execute(t, usher, []string{"KUBECONFIG=" + path}, pod.Containers[0].Args...)
	j.mu.Lock()
	j.runs = append(j.runs, jobRun{job.Name, strings.Join(pod.Containers[0].Args, " "), output, code})
	j.mu.Unlock()
	job.Status = ended(started, code)
	_, err = j.client.BatchV1().Jobs(namespace).UpdateStatus(ctx, job, metav1.UpdateOptions{})
	return err
}

// ended is the status that the job controller gives.
func ended(started metav1.Time, code int) batchv1.JobStatus {
	now := metav1.Now()
	status := batchv1.JobStatus{StartTime: &started}
	add := func(kind batchv1.JobConditionType, reason string) {
		status.Conditions = append(status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastProbeTime: now, LastTransitionTime: now,
		})
	}
	if code == 0 {
		status.Succeeded, status.CompletionTime = 1, &now
		add(batchv1.JobSuccessCriteriaMet, batchv1.JobReasonCompletionsReached)
		add(batchv1.JobComplete, batchv1.JobReasonCompletionsReached)
		return status
	}
	status.Failed = 1
	add(batchv1.JobFailureTarget, batchv1.JobReasonBackoffLimitExceeded)
	add(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded)
	return status
}

// take returns what ran since the last call.
func (j *jobs) take() []jobRun {
	j.mu.Lock()
	defer j.mu.Unlock()
	runs := slices.Clone(j.runs)
	j.runs = nil
	return runs
}
