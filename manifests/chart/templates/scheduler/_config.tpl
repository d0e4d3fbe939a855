{{/*
usher.scheduler.files are the configurations of kube-scheduler and of the extender.
*/}}
{{- define "usher.scheduler.files" -}}
{{- $scheduler := include "usher.text" (dict "root" . "file" "scheduler/scheduler-config.yaml") | fromYaml -}}
{{- if .Values.scheduler.extender.tls -}}
{{- $extender := first $scheduler.extenders -}}
{{- $_ := set $extender "urlPrefix" (replace "http://" "https://" $extender.urlPrefix) -}}
{{- $_ := set $extender "enableHTTPS" true -}}
{{- $_ := set $extender "tlsConfig" (dict "caFile" "/etc/usher/tls/ca.crt" "certFile" "/etc/usher/tls/tls.crt" "keyFile" "/etc/usher/tls/tls.key") -}}
{{- end -}}
{{- $config := include "usher.config" . | fromYaml -}}
{{- $extender := include "usher.text" (dict "root" . "file" "scheduler/extender-config.yaml") | fromYaml -}}
{{- $extender = mergeOverwrite $extender (dict "tenantLabel" (default "tenant" $config.tenantLabel)) (deepCopy .Values.scheduler.extender.config) -}}
extender-config.yaml: |
  {{- toYaml $extender | nindent 2 }}
scheduler-config.yaml: |
  {{- toYaml $scheduler | nindent 2 }}
{{- end }}
