{{/* What the program is told: options of a role, as a file or as variables, and its secrets as mounted files. */}}

{{/* YAML 1.1 reads `on` as true, and numbers of a values file are floats, which would print as 5.24288e+06. */}}
{{- define "verbatim.optionText" -}}
{{- if kindIs "bool" . -}}{{ ternary "on" "off" . }}
{{- else if kindIs "float64" . -}}{{ int64 . }}
{{- else -}}{{ toString . }}
{{- end -}}
{{- end -}}

{{/* What people's links begin with where base_url is not given: the first host of the way in. */}}
{{- define "verbatim.baseUrl" -}}
{{- if .Values.options.base_url -}}{{ .Values.options.base_url }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{- $host := first .Values.ingress.hosts -}}
{{ ternary "https" "http" (gt (len .Values.ingress.tls) 0) }}://{{ $host.host }}{{ trimSuffix "/" (default "/" $host.path) }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames -}}
https://{{ first .Values.httpRoute.hostnames }}{{ trimSuffix "/" .Values.httpRoute.path }}
{{- end -}}
{{- end -}}

{{- define "verbatim.storage" -}}
{{- default "file:///var/lib/verbatim" .Values.options.storage -}}
{{- end -}}

{{/* {root, role}: "yes" where the pods answer HTTP. */}}
{{- define "verbatim.listens" -}}
{{- $listens := .root.Values.worker.listens -}}
{{- if eq .role "serve" -}}yes
{{- else if kindIs "invalid" $listens -}}{{ ternary "yes" "" .root.Values.metrics.serviceMonitor.enabled }}
{{- else -}}{{ ternary "yes" "" $listens }}
{{- end -}}
{{- end -}}

{{/* How the API is spoken to. */}}
{{- define "verbatim.scheme" -}}
{{ ternary "https" "http" (not (empty .Values.tls.existingSecret)) }}
{{- end -}}

{{/* {root, role} -> JSON of name: text, sorted as JSON is. */}}
{{- define "verbatim.options" -}}
{{- $values := .root.Values -}}
{{- $texts := dict -}}
{{- range $options := list $values.options (index $values .role).options -}}
{{- range $name, $value := $options -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $texts $name -}}
{{- else -}}{{- $_ := set $texts $name (include "verbatim.optionText" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with include "verbatim.baseUrl" .root -}}{{- $_ := set $texts "base_url" (default . (get $texts "base_url")) -}}{{- end -}}
{{- if and (eq .role "worker") (include "verbatim.listens" .) -}}
{{- /* Nobody is sent here, so nobody has to turn away first. */ -}}
{{- $_ := set $texts "stop_delay" (default "0s" (get $texts "stop_delay")) -}}
{{- end -}}
{{- if include "verbatim.listens" . -}}
{{- $_ := set $texts "listen" (printf "%s:%d" $values.serve.listenAddress (int $values.serve.port)) -}}
{{- end -}}
{{- range $name, $secret := $values.secrets -}}
{{- if $secret.existingSecret -}}
{{- $_ := set $texts (printf "%s_file" $name) (printf "/etc/verbatim/secrets/%s" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.tls.existingSecret (include "verbatim.listens" .) -}}
{{- $_ := set $texts "tls_cert_file" "/etc/verbatim/tls/tls.crt" -}}
{{- $_ := set $texts "tls_key_file" "/etc/verbatim/tls/tls.key" -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{/* {root, role}: the container's variables, those of people last, so that they win. */}}
{{- define "verbatim.env" -}}
{{- $values := .root.Values -}}
{{- if eq $values.optionsAs "file" }}
- {name: VERBATIM_CONFIG, value: /etc/verbatim/verbatim.conf}
{{- else }}
{{- range $name, $text := include "verbatim.options" . | fromJson }}
- name: VERBATIM_{{ upper $name }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- if and $values.s3Credentials.existingSecret (eq $values.s3Credentials.form "file") }}
- {name: AWS_SHARED_CREDENTIALS_FILE, value: /etc/verbatim/s3/credentials}
{{- else if $values.s3Credentials.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ $values.s3Credentials.existingSecret | quote }}, key: {{ $values.s3Credentials.accessKeyId | quote }}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: {name: {{ $values.s3Credentials.existingSecret | quote }}, key: {{ $values.s3Credentials.secretAccessKey | quote }}}
{{- end }}
{{- if $values.caCertificates.existingConfigMap }}
- {name: SSL_CERT_FILE, value: /etc/verbatim/authorities/ca.crt}
{{- end }}
{{- with (index $values .role).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "verbatim.volumeMounts" -}}
{{- $values := .root.Values -}}
- {name: secrets, mountPath: /etc/verbatim/secrets, readOnly: true}
- {name: scratch, mountPath: /tmp, subPath: tmp}
- {name: scratch, mountPath: /var/tmp, subPath: var-tmp}
{{- if eq $values.optionsAs "file" }}
- {name: options, mountPath: /etc/verbatim/verbatim.conf, subPath: verbatim.conf, readOnly: true}
{{- end }}
{{- if and $values.s3Credentials.existingSecret (eq $values.s3Credentials.form "file") }}
- {name: s3-credentials, mountPath: /etc/verbatim/s3, readOnly: true}
{{- end }}
{{- if $values.tls.existingSecret }}
- {name: tls, mountPath: /etc/verbatim/tls, readOnly: true}
{{- end }}
{{- if $values.caCertificates.existingConfigMap }}
- {name: authorities, mountPath: /etc/verbatim/authorities, readOnly: true}
{{- end }}
{{- if $values.fileStorage.existingClaim }}
- name: archives
  mountPath: {{ include "verbatim.storage" .root | trimPrefix "file://" | quote }}
  {{- with $values.fileStorage.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with (index $values .role).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* {root, role}: secrets of several objects in one folder, each under its option's name. */}}
{{- define "verbatim.volumes" -}}
{{- $values := .root.Values -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $secret := $values.secrets }}
      {{- if $secret.existingSecret }}
      - secret:
          name: {{ $secret.existingSecret | quote }}
          items: [{key: {{ $secret.key | quote }}, path: {{ $name }}}]
      {{- end }}
      {{- end }}
- name: scratch
  emptyDir:
    sizeLimit: {{ (index $values .role).scratchSize | quote }}
{{- if eq $values.optionsAs "file" }}
- name: options
  configMap:
    name: {{ include "verbatim.fullname" .root }}-{{ .role }}
{{- end }}
{{- if and $values.s3Credentials.existingSecret (eq $values.s3Credentials.form "file") }}
- name: s3-credentials
  secret:
    secretName: {{ $values.s3Credentials.existingSecret | quote }}
    defaultMode: 0440
    items: [{key: {{ $values.s3Credentials.file | quote }}, path: credentials}]
{{- end }}
{{- with $values.tls }}
{{- if .existingSecret }}
- name: tls
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0440
    items: [{key: {{ .certificate | quote }}, path: tls.crt}, {key: {{ .privateKey | quote }}, path: tls.key}]
{{- end }}
{{- end }}
{{- with $values.caCertificates }}
{{- if .existingConfigMap }}
- name: authorities
  configMap:
    name: {{ .existingConfigMap | quote }}
    items: [{key: {{ .key | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- with $values.fileStorage.existingClaim }}
- name: archives
  persistentVolumeClaim:
    claimName: {{ . | quote }}
{{- end }}
{{- with (index $values .role).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
