{{/* The labels by which objects of one part are found; they never change. Takes (list $ "operator"). */}}
{{- define "chaosplane.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: chaosplane
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* All labels of an object. */}}
{{- define "chaosplane.labels" -}}
{{- $root := index . 0 -}}
{{ include "chaosplane.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* The image of a part. */}}
{{- define "chaosplane.image" -}}
{{- $root := index . 0 -}}
{{- printf "%s/%s:%s" $root.Values.image.registry (index . 1) ($root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end }}

{{- define "chaosplane.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The operator's pods, those of the hooks included, need no rights on the node at all. */}}
{{- define "chaosplane.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "chaosplane.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A hook is made again each time, and is gone once it has succeeded. Takes (list "pre-install,pre-upgrade" "-5"). */}}
{{- define "chaosplane.hook" -}}
helm.sh/hook: {{ index . 0 }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* A hook whose words helm prints. Takes the same. */}}
{{- define "chaosplane.toldHook" -}}
{{ include "chaosplane.hook" . }}
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end }}

{{/*
Seconds from SIGTERM until a pod is killed: what its program takes at most (packages/operator/src/shutdown.ts), and five for the
kubelet to tell it so.
*/}}
{{- define "chaosplane.operatorGrace" -}}
{{- add 20 5 5 -}}
{{- end }}

{{/* The same of a daemon (packages/daemon/src/shutdown.ts): where it undoes what is in force, it has a minute more. */}}
{{- define "chaosplane.daemonGrace" -}}
{{- add 20 (ternary 60 0 (has "--on-stop=undo" .Values.daemon.extraArgs)) 5 -}}
{{- end }}

{{/* The flags that certificates follow from. */}}
{{- define "chaosplane.certificateArgs" -}}
- --namespace={{ .Release.Namespace }}
- --cluster-domain={{ .Values.clusterDomain }}
- --daemon-service=chaosplane-daemon
- --operator-name=chaosplane-operator
{{- if .Values.admission.webhook.enabled }}
- --webhook-service=chaosplane-webhook
{{- end }}
{{- end }}

{{/* The pod that brings the certificates about. Takes (list $ "the service account's name"). */}}
{{- define "chaosplane.certificatesPod" -}}
{{- $root := index . 0 -}}
metadata:
  labels: {{- include "chaosplane.labels" (list $root "certificates") | nindent 4 }}
spec:
  serviceAccountName: {{ index . 1 }}
  {{- include "chaosplane.pullSecrets" $root | nindent 2 }}
  restartPolicy: Never
  securityContext: {{- include "chaosplane.podSecurity" $root | nindent 4 }}
  {{- with $root.Values.operator.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.operator.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: certificates
      image: {{ include "chaosplane.image" (list $root "operator") }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - certificates
        - ensure
        {{- include "chaosplane.certificateArgs" $root | nindent 8 }}
        - --settle={{ $root.Values.certificates.renewal.settle }}
      resources: {{- toYaml $root.Values.operator.resources | nindent 8 }}
      securityContext: {{- include "chaosplane.containerSecurity" $root | nindent 8 }}
{{- end }}

{{/* Where every pod of the chart may go: to cluster DNS, and to the API server, which no selector finds. */}}
{{- define "chaosplane.apiEgress" -}}
- ports:
    {{- range .Values.networkPolicy.egress.dnsPorts }}
    - { port: {{ int . }}, protocol: UDP }
    - { port: {{ int . }}, protocol: TCP }
    {{- end }}
- ports:
    {{- range .Values.networkPolicy.egress.apiServerPorts }}
    - { port: {{ int . }} }
    {{- end }}
  {{- with .Values.networkPolicy.egress.apiServer }}
  to:
    {{- range . }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  {{- end }}
{{- end }}
