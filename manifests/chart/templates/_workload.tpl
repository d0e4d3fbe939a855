{{/*
usher.image is the reference of an image by its name.
*/}}
{{- define "usher.image" -}}
{{- $image := .root.Values.image -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .name -}}
{{- $digest := get $image.digests .name -}}
{{- if $digest }}@{{ $digest }}{{ else }}:{{ default .root.Chart.AppVersion $image.tag }}{{ end -}}
{{- end }}

{{/*
usher.pod changes a pod template: what the values of its part say of the pod.
*/}}
{{- define "usher.pod" -}}
{{- $spec := .template.spec -}}
{{- $metadata := .template.metadata -}}
{{- with .values.podLabels }}{{ $_ := set $metadata "labels" (merge $metadata.labels .) }}{{ end -}}
{{- $annotations := merge (default dict .annotations) .values.podAnnotations -}}
{{- with $annotations }}{{ $_ := set $metadata "annotations" . }}{{ end -}}
{{- $_ := set $spec "priorityClassName" .values.priorityClassName -}}
{{- range $field := list "nodeSelector" "tolerations" -}}
{{- $value := get $.values $field -}}
{{- if $value }}{{ $_ := set $spec $field $value }}{{ else }}{{ $_ := unset $spec $field }}{{ end -}}
{{- end -}}
{{- with .values.affinity }}{{ $_ := set $spec "affinity" . }}{{ end -}}
{{- with .root.Values.image.pullSecrets }}{{ $_ := set $spec "imagePullSecrets" . }}{{ end -}}
{{- end }}

{{/*
usher.container changes a container: its image, resources and further flags. The
collector's limit is kept at 25/32 of the memory limit, so that it works harder
before the kernel kills.
*/}}
{{- define "usher.container" -}}
{{- $_ := set .container "image" (default (include "usher.image" (dict "root" .root "name" .container.image)) .image) -}}
{{- $_ := set .container "imagePullPolicy" .root.Values.image.pullPolicy -}}
{{- $_ := set .container "resources" .resources -}}
{{- with .args -}}
{{- $field := ternary "args" "command" (hasKey $.container "args") -}}
{{- $_ := set $.container $field (concat (get $.container $field) .) -}}
{{- end -}}
{{- $memory := .resources.limits.memory -}}
{{- $mebibytes := trimSuffix "Mi" $memory | atoi -}}
{{- if hasSuffix "Gi" $memory }}{{ $mebibytes = mul 1024 (trimSuffix "Gi" $memory | atoi) }}{{ end -}}
{{- range default list .container.env -}}
{{- if eq .name "GOMEMLIMIT" }}{{ $_ := set . "value" (printf "%dMiB" (div (mul $mebibytes 25) 32)) }}{{ end -}}
{{- end -}}
{{- end }}

{{/*
usher.mount adds a volume to a pod and its mount to a container.
*/}}
{{- define "usher.mount" -}}
{{- $_ := set .pod "volumes" (append .pod.volumes .volume) -}}
{{- $_ := set .container "volumeMounts" (append .container.volumeMounts (dict "name" .volume.name "mountPath" .path "readOnly" true)) -}}
{{- end }}

{{/*
usher.tracing are the flags by which traces are sent, as a JSON list.
*/}}
{{- define "usher.tracing" -}}
{{- $flags := list -}}
{{- with .Values.tracing -}}
{{- if .endpoint }}{{ $flags = append $flags (print "--otlp-endpoint=" .endpoint) }}{{ end -}}
{{- if and .endpoint .insecure }}{{ $flags = append $flags "--otlp-insecure" }}{{ end -}}
{{- end -}}
{{- toJson $flags -}}
{{- end }}

{{/*
usher.disruption prints a PodDisruptionBudget, unless a drain has to take the only
replica.
*/}}
{{- define "usher.disruption" -}}
{{- range (include "usher.objects" . | fromJson).objects }}
{{- if and (eq .metadata.name $.name) (gt (int $.replicas) 1) }}
---
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
