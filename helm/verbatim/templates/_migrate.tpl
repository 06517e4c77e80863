{{/* The schema: made and upgraded by the same image, under a login of its own where one is given. */}}

{{- define "verbatim.migrateContainer" -}}
name: migrate
image: {{ include "verbatim.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [migrate]
env:
  - {name: VERBATIM_DATABASE_URL_FILE, value: /etc/verbatim/migrate/database_url}
  {{- with .Values.migrate.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources: {{- toYaml .Values.migrate.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - {name: migrate, mountPath: /etc/verbatim/migrate, readOnly: true}
{{- end -}}

{{- define "verbatim.migrateVolume" -}}
{{- $own := .Values.migrate.database_url -}}
{{- $secret := ternary $own .Values.secrets.database_url (not (empty $own.existingSecret)) -}}
- name: migrate
  secret:
    secretName: {{ $secret.existingSecret | quote }}
    defaultMode: 0440
    items: [{key: {{ $secret.key | quote }}, path: database_url}]
{{- end -}}
