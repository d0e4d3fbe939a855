{{/*
usher.text is a file under files/, which is a copy of what kustomize installs, with
the release's namespace, exempt namespaces and tenant label in place of the
defaults. files/ is written by `make generate`.
*/}}
{{- define "usher.text" -}}
{{- $text := .root.Files.Get (print "files/" .file) -}}
{{- if not $text }}{{ fail (print "the chart lacks files/" .file) }}{{ end -}}
{{- $config := include "usher.config" .root | fromYaml -}}
{{- $text = replace "usher-system" .root.Release.Namespace $text -}}
{{- $exempt := list "kube-system" "kube-node-lease" .root.Release.Namespace -}}
{{- $text = replace (printf "[%s]" (join ", " $exempt)) (toJson $config.exemptNamespaces) $text -}}
{{- $text = replace (printf "['%s']" (join "', '" $exempt)) (printf "['%s']" (join "', '" $config.exemptNamespaces)) $text -}}
{{- replace "- key: tenant\n" (printf "- key: %s\n" (toJson (default "tenant" $config.tenantLabel))) $text -}}
{{- end }}

{{/*
usher.objects are the objects of such a file, as {"objects": [...]}, in the release's
namespace and with usher's label.
*/}}
{{- define "usher.objects" -}}
{{- $root := .root -}}
{{- $file := .file -}}
{{- $objects := list -}}
{{- range $document := regexSplit "(?m)^---$" (include "usher.text" .) -1 -}}
{{- $object := fromYaml $document -}}
{{- if hasKey $object "Error" }}{{ fail (printf "files/%s: %s" $file $object.Error) }}{{ end -}}
{{- if $object -}}
{{- include "usher.place" (dict "root" $root "object" $object) -}}
{{- $objects = append $objects $object -}}
{{- end -}}
{{- end -}}
{{- dict "objects" $objects | toJson -}}
{{- end }}

{{/*
usher.object is the only object of such a file.
*/}}
{{- define "usher.object" -}}
{{- first (include "usher.objects" . | fromJson).objects | toJson -}}
{{- end }}

{{/*
usher.emit prints all objects of such a file.
*/}}
{{- define "usher.emit" -}}
{{- range (include "usher.objects" . | fromJson).objects }}
---
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
usher.place changes an object: its label, its namespace where its kind has one, and
that of the service accounts that it names.
*/}}
{{- define "usher.place" -}}
{{- $namespaced := list "Certificate" "ConfigMap" "DaemonSet" "Deployment" "Issuer" "Job" "NetworkPolicy" "PodDisruptionBudget" "PodMonitor" "PrometheusRule" "Role" "RoleBinding" "Service" "ServiceAccount" "ServiceMonitor" -}}
{{- $metadata := .object.metadata -}}
{{- $_ := set $metadata "labels" (merge (dict "app.kubernetes.io/part-of" "usher") (default dict $metadata.labels)) -}}
{{- if has .object.kind $namespaced -}}
{{- $_ := set $metadata "namespace" (default .root.Release.Namespace $metadata.namespace) -}}
{{- end -}}
{{- $namespace := .root.Release.Namespace -}}
{{- range default list .object.subjects -}}
{{- if eq .kind "ServiceAccount" }}{{ $_ := set . "namespace" (default $namespace .namespace) }}{{ end -}}
{{- end -}}
{{- end }}
