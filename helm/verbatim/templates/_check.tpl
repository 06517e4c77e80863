{{/* What the schema cannot say: values that do not go together. Each message names the value and what to do. */}}

{{/* A duration of docs/options.md in whole seconds, rounded up. */}}
{{- define "verbatim.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}{{ div (add $number 999) 1000 }}
{{- else -}}{{ mul $number (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) }}
{{- end -}}
{{- end -}}

{{/* {root, role}: stop_delay, the 10 s in which the program ends what is under way, and 5 s of room. */}}
{{- define "verbatim.grace" -}}
{{- $role := index .root.Values .role -}}
{{- $options := include "verbatim.options" . | fromJson -}}
{{- $delay := ternary (include "verbatim.seconds" (default "5s" (get $options "stop_delay"))) "0" (not (empty (include "verbatim.listens" .))) | int -}}
{{- $least := add $role.preStopSleepSeconds $delay 15 -}}
{{- $given := $role.terminationGracePeriodSeconds -}}
{{- if and (not (kindIs "invalid" $given)) (lt (int $given) (int $least)) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds: must be at least %d: preStopSleepSeconds, stop_delay and 15 s for what is under way" .role $least) -}}
{{- end -}}
{{- if kindIs "invalid" $given -}}{{ $least }}{{- else -}}{{ $given }}{{- end -}}
{{- end -}}

{{- define "verbatim.check" -}}
{{- $values := .Values -}}
{{- $serve := include "verbatim.options" (dict "root" . "role" "serve") | fromJson -}}
{{- $worker := include "verbatim.options" (dict "root" . "role" "worker") | fromJson -}}
{{- if not $values.secrets.database_url.existingSecret -}}
{{- fail "secrets.database_url.existingSecret: must name a secret with the connection string of the database; the chart brings none" -}}
{{- end -}}
{{- if not (get $serve "base_url") -}}
{{- fail "options.base_url: must be the address at which people reach verbatim serve, such as https://exports.example.com; a host of ingress or httpRoute does as well" -}}
{{- end -}}
{{- if and (hasPrefix "file://" (include "verbatim.storage" .)) (not $values.fileStorage.existingClaim) -}}
{{- fail "options.storage: must be s3://BUCKET[/PREFIX], or fileStorage.existingClaim must name a claim for file:///DIR" -}}
{{- end -}}
{{- if and $values.fileStorage.existingClaim (not (hasPrefix "file://" (include "verbatim.storage" .))) -}}
{{- fail "fileStorage.existingClaim: is of no use with options.storage = s3://" -}}
{{- end -}}
{{- if and (not $values.worker.enabled) (eq (default "" (get $serve "workers")) "0") -}}
{{- fail "worker.enabled: without workers' pods serve.options.workers must not be 0: nobody would export" -}}
{{- end -}}
{{- if and $values.worker.enabled (eq (default "" (get $worker "workers")) "0") -}}
{{- fail "worker.options.workers: must be at least 1" -}}
{{- end -}}
{{- if and (get $serve "smtp_user") (not $values.secrets.smtp_password.existingSecret) -}}
{{- fail "secrets.smtp_password.existingSecret: must name a secret, since options.smtp_user is given" -}}
{{- end -}}
{{- if and $values.worker.enabled $values.keda.enabled $values.worker.autoscaling.enabled -}}
{{- fail "worker.autoscaling.enabled: must be off while keda.enabled is on: both would set the number of pods" -}}
{{- end -}}
{{- range $role := list "serve" "worker" -}}
{{- with (index $values $role).autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas: must not be more than maxReplicas" $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
