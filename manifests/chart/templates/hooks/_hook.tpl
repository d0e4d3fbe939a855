{{/*
usher.hook.annotations make an object part of a hook, at a weight: what the Job
needs comes before it. It stays when the hook fails, so that its log can be read.
*/}}
{{- define "usher.hook.annotations" -}}
helm.sh/hook: {{ .hook }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/*
usher.hook.metadata names such an object. Cluster-wide ones have no namespace.
*/}}
{{- define "usher.hook.metadata" -}}
name: {{ .name }}
{{- if .namespaced }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  app.kubernetes.io/name: {{ .name }}
  app.kubernetes.io/part-of: usher
annotations:
  {{- include "usher.hook.annotations" . | nindent 2 }}
{{- end }}

{{/*
usher.hook is a Job that runs a command of usher's as a service account of its own,
and what the account may do.
*/}}
{{- define "usher.hook" -}}
{{- $values := .root.Values.hooks -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $account := merge (dict "weight" "-10" "namespaced" true) . -}}
{{- $cluster := merge (dict "weight" "-10" "namespaced" false) . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "usher.hook.metadata" $account | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- include "usher.hook.metadata" $cluster | nindent 2 }}
rules:
  {{- .clusterRules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- include "usher.hook.metadata" $cluster | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ $namespace }}
{{- if .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "usher.hook.metadata" $account | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "usher.hook.metadata" $account | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ $namespace }}
{{- end }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "usher.hook.metadata" (merge (dict "weight" "0" "namespaced" true) .) | nindent 2 }}
spec:
  # What is wrong is wrong again; one more try for an API server that restarts.
  backoffLimit: 1
  activeDeadlineSeconds: 240
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .name }}
        app.kubernetes.io/part-of: usher
    spec:
      serviceAccountName: {{ .name }}
      restartPolicy: Never
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: usher
          image: {{ include "usher.image" (dict "root" .root "name" "usher") }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
          # What is wrong is seen where the pod is: kubectl describe pod.
          terminationMessagePolicy: FallbackToLogsOnError
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
{{- end }}
