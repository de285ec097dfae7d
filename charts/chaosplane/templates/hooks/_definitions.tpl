{{/* The kinds of ChaosPlane by their plurals, as a list of YAML; and with a group behind each, the names of their definitions. */}}
{{- define "chaosplane.kinds" -}}
{{- $group := index . 1 -}}
{{- range $path, $_ := (index . 0).Files.Glob "crds/*.yaml" }}
- {{ trimSuffix ".yaml" (base $path) }}{{ $group }}
{{- end }}
{{- end }}
