#!/usr/bin/env bash
# An ES module that imports node:http, for createServer alone, loads Node's own copy of undici, a client with WebSocket, and keeps it;
# one that gets node:http by require does not. http has getters for WebSocket, CloseEvent and MessageEvent, and an import reads each export
# once to bind it. A server that is idle takes about 2 MB more. Seen with Node.js 24.21.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --allow-scripts=node node@24.21.0 >/dev/null 2>&1 || npm install --silent --no-audit --no-fund node@24.21.0 >/dev/null
node=$work/node_modules/node/bin/node
loaded="process.moduleLoadList.includes('NativeModule internal/deps/undici/undici')"
echo "import { createServer } from 'node:http'; createServer(); console.log($loaded);" >imports.mjs
echo "import { createRequire } from 'node:module'; createRequire(import.meta.url)('node:http').createServer(); console.log($loaded);" >requires.mjs
echo "Node.js $("$node" --version)"
for way in imports requires; do echo "$way node:http, undici is loaded: $("$node" $way.mjs)"; done | tee found
[ "$(grep -o '[a-z]*$' found | tr '\n' ' ')" = 'true false ' ] || { echo 'this has changed' >&2; exit 1; }
