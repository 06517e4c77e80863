{{/* {root, role}: the Deployment of a role. Both roles are one image with the same surroundings. */}}

{{- define "verbatim.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "verbatim.selector" $ | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Better on different nodes, but a small cluster is no reason to wait. */}}
{{- define "verbatim.affinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- include "verbatim.selector" . | nindent 12 }}
{{- end -}}

{{- define "verbatim.placing" -}}
{{- $role := index .root.Values .role -}}
affinity: {{- (empty $role.affinity | ternary (include "verbatim.affinity" .) (toYaml $role.affinity)) | nindent 2 }}
topologySpreadConstraints: {{- (empty $role.topologySpreadConstraints | ternary (include "verbatim.spread" .) (toYaml $role.topologySpreadConstraints)) | trim | nindent 2 }}
{{- with $role.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "verbatim.probes" -}}
{{- range $name, $path := dict "startupProbe" "/healthz" "livenessProbe" "/healthz" "readinessProbe" "/readyz" }}
{{ $name }}: {{- merge (dict "httpGet" (dict "path" $path "port" "http" "scheme" (include "verbatim.scheme" $.root | upper))) (index $.root.Values.serve $name) | toYaml | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "verbatim.container" -}}
{{- $role := index .root.Values .role -}}
name: verbatim
image: {{ include "verbatim.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [{{ ternary "serve" "worker" (not (empty (include "verbatim.listens" .))) }}]
env: {{- include "verbatim.env" . | trim | nindent 2 }}
{{- with $role.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if include "verbatim.listens" . }}
ports:
  - {name: http, containerPort: {{ .root.Values.serve.port }}, protocol: TCP}
{{- include "verbatim.probes" . }}
{{- end }}
{{- if gt (int $role.preStopSleepSeconds) 0 }}
lifecycle:
  preStop:
    exec: {command: [sleep, "{{ $role.preStopSleepSeconds }}"]}
{{- end }}
resources: {{- toYaml $role.resources | nindent 2 }}
securityContext: {{- toYaml .root.Values.securityContext | nindent 2 }}
volumeMounts: {{- include "verbatim.volumeMounts" . | nindent 2 }}
{{- end -}}

{{/* A release's name is no prefix of variables here, and nobody talks to the cluster's API. */}}
{{- define "verbatim.podBasis" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "verbatim.pod" -}}
{{- $role := index .root.Values .role -}}
{{ include "verbatim.podBasis" .root }}
serviceAccountName: {{ include "verbatim.serviceAccountName" .root }}
terminationGracePeriodSeconds: {{ include "verbatim.grace" . }}
{{- $before := eq .root.Values.migrate.mode "initContainer" }}
{{- if or $before $role.extraInitContainers }}
initContainers:
  {{- if $before }}
  - {{- include "verbatim.migrateContainer" .root | nindent 4 }}
  {{- end }}
  {{- with $role.extraInitContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  - {{- include "verbatim.container" . | nindent 4 }}
  {{- with $role.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "verbatim.volumes" . | nindent 2 }}
  {{- if $before }}
  {{- include "verbatim.migrateVolume" .root | nindent 2 }}
  {{- end }}
{{ include "verbatim.placing" . }}
{{- end -}}

{{- define "verbatim.isScaled" -}}
{{- $role := index .root.Values .role -}}
{{- if or $role.autoscaling.enabled (and (eq .role "worker") .root.Values.keda.enabled) -}}yes{{- end -}}
{{- end -}}

{{- define "verbatim.deployment" -}}
{{- $role := index .root.Values .role -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "verbatim.fullname" .root }}-{{ .role }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "verbatim.labels" . | nindent 4 }}
spec:
  {{- if not (include "verbatim.isScaled" .) }}
  replicas: {{ $role.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy: {{- toYaml $role.strategy | nindent 4 }}
  selector:
    matchLabels: {{- include "verbatim.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "verbatim.labels" . | nindent 8 }}
        {{- with $role.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/options: {{ include "verbatim.options" . | sha256sum }}
        {{- with $role.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "verbatim.pod" . | nindent 6 }}
{{- end -}}
