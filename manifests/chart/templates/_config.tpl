{{/*
usher.config is the AdmissionConfiguration: the one that kustomize installs, what
another namespace changes of it, and .Values.config, each over the one before.
*/}}
{{- define "usher.config" -}}
{{- $text := .Files.Get "files/base/config.yaml" | replace "usher-system" .Release.Namespace -}}
{{- $config := mergeOverwrite (fromYaml $text) (include "usher.identities" . | fromYaml) (deepCopy .Values.config) -}}
{{- range list "kube-system" .Release.Namespace -}}
{{- if not (has . $config.exemptNamespaces) -}}
{{- fail (printf "config.exemptNamespaces must list %q: what runs there has to start while usher is down; it lists %s" . (toJson $config.exemptNamespaces)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/*
usher.identities are the parameters whose defaults name service accounts in
usher-system, for a release in another namespace.
*/}}
{{- define "usher.identities" -}}
{{- if ne .Release.Namespace "usher-system" -}}
{{- $account := printf "system:serviceaccount:%s:" .Release.Namespace -}}
{{- $binders := dict "users" (list "system:kube-scheduler" (print $account "usher-scheduler")) "groups" list -}}
{{- $platform := dict "users" (list (print $account "usher-controller")) "groups" (list "system:masters") -}}
policies:
  gpu_quota:
    parameters:
      claim_writers: {{ toJson $binders }}
  managed_objects:
    parameters:
      platform: {{ toJson $platform }}
  node_identity:
    parameters:
      agents: {{ dict "users" (list (print $account "usher-agent")) "groups" list | toJson }}
  tenant_claims:
    parameters:
      reserved_namespaces: {{ list .Release.Namespace | toJson }}
  tenant_isolation:
    parameters:
      binders: {{ toJson $binders }}
      namespace_admins: {{ toJson $platform }}
{{- end -}}
{{- end }}
