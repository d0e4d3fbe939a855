package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher.dev/usher/quota"
)

// workload is an object whose template asks for so many GPUs, with further fields
// of its spec.
func workload(apiVersion, kind string, gpus any, spec fields) fields {
	template := fields{"metadata": fields{"labels": fields{"app": "train"}}, "spec": gpuPod("", gpus)["spec"]}
	all := with(fields{"template": template}, spec)
	if kind == "CronJob" {
		all = fields{"jobTemplate": fields{"spec": all}}
	}
	return fields{"apiVersion": apiVersion, "kind": kind, "metadata": fields{"name": "train", "namespace": "team"}, "spec": all}
}

// forecast is what the ledger was asked: of each pod so many GPUs, so many pods.
type forecast struct{ GPUs, Replicas int64 }

func forecasts(asked []quota.Ask) (out []forecast) {
	for _, a := range asked {
		out = append(out, forecast{a.Entry.MicroUnits / gpus(1), a.Replicas})
	}
	return out
}

func TestAWorkloadIsAskedForAllOfItsPods(t *testing.T) {
	for name, tt := range map[string]struct {
		object fields
		want   []forecast
	}{
		"a Deployment":                       {workload("apps/v1", "Deployment", "2", fields{"replicas": 3}), []forecast{{2, 3}}},
		"a Deployment of one":                {workload("apps/v1", "Deployment", "2", nil), []forecast{{2, 1}}},
		"a Deployment of none":               {workload("apps/v1", "Deployment", "2", fields{"replicas": 0}), nil},
		"a Deployment of less than none":     {workload("apps/v1", "Deployment", "2", fields{"replicas": -1}), nil},
		"a Deployment without GPUs":          {workload("apps/v1", "Deployment", "0", fields{"replicas": 3}), nil},
		"a ReplicaSet":                       {workload("apps/v1", "ReplicaSet", "2", fields{"replicas": 3}), []forecast{{2, 3}}},
		"a StatefulSet":                      {workload("apps/v1", "StatefulSet", "2", fields{"replicas": 3}), []forecast{{2, 3}}},
		"a ReplicationController":            {workload("v1", "ReplicationController", "2", fields{"replicas": 3}), []forecast{{2, 3}}},
		"a DaemonSet, on some node":          {workload("apps/v1", "DaemonSet", "2", fields{"replicas": 3}), []forecast{{2, 1}}},
		"a Job":                              {workload("batch/v1", "Job", "2", nil), []forecast{{2, 1}}},
		"a Job with parallel pods":           {workload("batch/v1", "Job", "2", fields{"parallelism": 8}), []forecast{{2, 8}}},
		"a Job that needs fewer to complete": {workload("batch/v1", "Job", "2", fields{"parallelism": 8, "completions": 3}), []forecast{{2, 3}}},
		"a Job that needs more to complete":  {workload("batch/v1", "Job", "2", fields{"parallelism": 2, "completions": 30}), []forecast{{2, 2}}},
		"a CronJob":                          {workload("batch/v1", "CronJob", "2", fields{"parallelism": 8}), []forecast{{2, 8}}},
		"a kind of others":                   {workload("argoproj.io/v1alpha1", "Rollout", "2", fields{"replicas": 3}), []forecast{{2, 1}}},
		"what a Deployment makes": {with(workload("apps/v1", "ReplicaSet", "2", fields{"replicas": 3}), fields{
			"metadata": fields{"name": "train-1", "ownerReferences": []any{fields{"kind": "Deployment", "controller": true}}},
		}), nil},
		"what somebody owns and does not manage": {with(workload("apps/v1", "Deployment", "2", fields{"replicas": 3}), fields{
			"metadata": fields{"name": "train-1", "ownerReferences": []any{fields{"kind": "Application"}}},
		}), []forecast{{2, 3}}},
		"replicas that are no number": {workload("apps/v1", "Deployment", "2", fields{"replicas": "many"}), []forecast{{2, 1}}},
		"an amount that is none":      {workload("apps/v1", "Deployment", "many", fields{"replicas": 3}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := ledgerOf(gpus(100))
			s := withLedger(t, ledger, "podTemplates: [{group: argoproj.io, kind: Rollout, paths: [spec.template]}]")
			if response := s.validated(t, tt.object, nil); !response.Allowed || len(response.Warnings) > 0 {
				t.Errorf("%s, warnings %q", messageOf(response), response.Warnings)
			}
			if diff := cmp.Diff(tt.want, forecasts(ledger.takeAsked()), cmpopts.EquateEmpty()); diff != "" {
				t.Error("asked (-want +got):\n" + diff)
			}
			ledger.expectReserved(t)
		})
	}
}

func TestWhatComesToAWorkloadIsAsked(t *testing.T) {
	deployment := func(gpus string, replicas int) fields {
		return workload("apps/v1", "Deployment", gpus, fields{"replicas": replicas})
	}
	for name, tt := range map[string]struct {
		before, now fields
		want        []forecast
		skipped     bool
	}{
		"more replicas":             {deployment("2", 3), deployment("2", 5), []forecast{{2, 2}}, false},
		"fewer replicas":            {deployment("2", 3), deployment("2", 1), nil, true},
		"out of nothing":            {deployment("2", 0), deployment("2", 4), []forecast{{2, 4}}, false},
		"more GPUs a pod":           {deployment("2", 3), deployment("4", 3), []forecast{{2, 3}}, false},
		"fewer GPUs a pod":          {deployment("2", 3), deployment("1", 3), nil, false},
		"more GPUs and more of it":  {deployment("2", 3), deployment("3", 4), []forecast{{6, 1}}, false},
		"more GPUs, fewer replicas": {deployment("1", 4), deployment("2", 1), nil, false},
		"GPUs at all":               {deployment("0", 3), deployment("1", 3), []forecast{{1, 3}}, false},
		"nothing of it":             {deployment("2", 3), with(deployment("2", 3), fields{"metadata": fields{"name": "train", "labels": fields{"a": "b"}}}), nil, true},
		"more while it is deleted": {deployment("2", 3), with(deployment("2", 5), fields{
			"metadata": fields{"name": "train", "deletionTimestamp": "2026-11-25T10:00:00Z"},
		}), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := ledgerOf(gpus(100))
			response := withLedger(t, ledger, "").validated(t, tt.now, fields{"operation": "UPDATE", "oldObject": tt.before})
			if !response.Allowed || len(response.Warnings) > 0 {
				t.Errorf("%s, warnings %q", messageOf(response), response.Warnings)
			}
			if diff := cmp.Diff(tt.want, forecasts(ledger.takeAsked()), cmpopts.EquateEmpty()); diff != "" {
				t.Error("asked (-want +got):\n" + diff)
			}
			if decision := response.AuditAnnotations["decision"]; strings.HasPrefix(decision, "skipped") != tt.skipped {
				t.Error(decision)
			}
		})
	}
}

func TestAWorkloadBeyondTheLimitIsWarnedOf(t *testing.T) {
	ledger := ledgerOf(gpus(4), podOf("old", 1))
	const line = "spec.template: asks for 6000000, 1000000 of 4000000 are held [room/room]"
	object := workload("apps/v1", "Deployment", "2", fields{"replicas": 3})
	for mode, want := range map[string][]string{"enforce": {line}, "warn": {line}, "audit": nil, "off": nil} {
		s := withLedger(t, ledger, "policies: {room: {mode: '"+mode+"'}}")
		response := s.validated(t, object, nil)
		if !response.Allowed || !cmp.Equal(want, response.Warnings) {
			t.Errorf("%s: %s, warnings %q", mode, messageOf(response), response.Warnings)
		}
		if audited := response.AuditAnnotations["audited"]; (audited == line) != (mode == "audit") {
			t.Errorf("%s: audited %q", mode, audited)
		}
	}
	ledger.err = errors.New("the API server is away")
	s := withLedger(t, ledger, "")
	if response := s.validated(t, object, nil); !response.Allowed || len(response.Warnings) > 0 {
		t.Errorf("without a ledger: %s, warnings %q", messageOf(response), response.Warnings)
	}
	if logged := strings.Join(s.logs.all(), "\n"); !strings.Contains(logged, "the API server is away") {
		t.Error("the log does not say why nobody is warned")
	}
}

// TestMoreThanCanBeCountedIsNotLittle asks for numbers that overflow.
func TestMoreThanCanBeCountedIsNotLittle(t *testing.T) {
	s := withLedger(t, ledgerOf(gpus(4)), "")
	for _, replicas := range []any{2147483647, int64(1) << 62} {
		response := s.validated(t, workload("apps/v1", "Deployment", "9223372036854775807", fields{"replicas": replicas}), nil)
		if !response.Allowed || len(response.Warnings) != 1 {
			t.Errorf("%v replicas: %s, warnings %q", replicas, messageOf(response), response.Warnings)
		}
	}
}
