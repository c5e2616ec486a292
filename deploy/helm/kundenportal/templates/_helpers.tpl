{{- define "portal.labels" -}}
app.kubernetes.io/name: kundenportal
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "portal.allLabels" -}}
{{ include "portal.labels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "portal.fullname" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "portal.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- define "portal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "portal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every process is told; passwords come from its secret alone. */}}
{{- define "portal.environment" -}}
{{- $prefix := upper .name -}}
{{- $root := .root -}}
- {name: {{ $prefix }}_PRODUCTION, value: {{ $root.Values.production | quote }}}
- {name: {{ $prefix }}_HOST, value: "0.0.0.0"}
- {name: {{ $prefix }}_PUBLIC_URL, value: {{ $root.Values.publicUrl | quote }}}
- {name: {{ $prefix }}_LEAVE_AFTER, value: PT3S}
- {name: {{ $prefix }}_NATS_URL, value: {{ $root.Values.nats.url | quote }}}
{{- if $root.Values.brand.configMap }}
- {name: {{ $prefix }}_BRAND_FILE, value: /etc/kundenportal/brand.toml}
{{- end }}
{{- if $root.Values.tracing.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ $root.Values.tracing.endpoint | quote }}}
{{- end }}
{{- if eq .name "gateway" }}
- {name: GATEWAY_PORT, value: "8080"}
- {name: GATEWAY_INNER_HOST, value: "0.0.0.0"}
- {name: GATEWAY_INNER_PORT, value: "8000"}
- {name: GATEWAY_SIGNING_KEY_FILE, value: /etc/kundenportal-key/signing-key.json}
- {name: GATEWAY_TRUSTED_PROXIES, value: {{ $root.Values.ingress.proxies | quote }}}
{{- range $service, $_ := omit $root.Values.services "gateway" }}
- {name: GATEWAY_{{ upper $service }}_URL, value: "http://{{ include "portal.fullname" (dict "root" $root "name" $service) }}:8000"}
{{- end }}
{{- else }}
- {name: {{ $prefix }}_PORT, value: "8000"}
- {name: {{ $prefix }}_IDENTITY_KEYS_URL, value: "http://{{ include "portal.fullname" (dict "root" $root "name" "gateway") }}:8000/identity-keys"}
{{- end }}
{{- if has .name (list "auth" "users") }}
- {name: {{ $prefix }}_SMTP_HOST, value: {{ $root.Values.smtp.host | quote }}}
- {name: {{ $prefix }}_SMTP_PORT, value: {{ $root.Values.smtp.port | quote }}}
- {name: {{ $prefix }}_SMTP_TLS, value: {{ $root.Values.smtp.tls | quote }}}
{{- end }}
{{- if eq .name "documents" }}
- {name: DOCUMENTS_STORAGE_URL, value: {{ $root.Values.storage.url | quote }}}
- {name: DOCUMENTS_CLAMD_URL, value: {{ $root.Values.clamd.url | quote }}}
{{- end }}
{{- end }}

{{/* Peers of a policy: those that were named, or anywhere. */}}
{{- define "portal.to" -}}
{{- if . }}
to:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* The same as portal.labels, in one line. */}}
{{- define "portal.selector" -}}
{app.kubernetes.io/name: kundenportal, app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/component: {{ .name }}}
{{- end }}

{{/* Streams by the service whose durable consumer may fall behind: as the event registry says (a test holds it). */}}
{{- define "portal.lag" -}}
documents: [BILLING]
metrics: [NETWORK]
users: [DOCUMENTS, CONTRACTS, METRICS]
contracts: [CRM]
contacts: [CRM]
{{- end }}
