#!/usr/bin/env bash
# What V8 takes to compile one large module stays resident for good: it is freed, in pieces of 32 KiB below others that live, so glibc
# cannot lower its heap; a full collection, one of last resort included, does not help, for V8 gives nothing but its own pages back. With
# MALLOC_MMAP_THRESHOLD_=16384 each piece is a mapping of its own, and goes. typescript.js (9 MB) leaves about 19 MB.
# Seen with Node.js 24.21.0, typescript 5.9.3, glibc 2.36.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund node@24.21.0 typescript@5.9.3 >/dev/null 2>&1
node=$work/node_modules/node/bin/node
[ -x "$node" ] || node $work/node_modules/node/installArchSpecificPackage.js >/dev/null
cat >load.mjs <<'JS'
await import('typescript');
setTimeout(() => {
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  console.log(Math.round(process.memoryUsage.rss() / 1e6));
}, 1500);
JS
plain=$("$node" --expose-gc load.mjs)
mapped=$(MALLOC_MMAP_THRESHOLD_=16384 "$node" --expose-gc load.mjs)
echo "Node.js $("$node" --version), typescript loaded and everything collected: $plain MB resident; with a threshold of 16 KiB $mapped MB"
[ $((plain - mapped)) -ge 8 ] || { echo 'this has changed' >&2; exit 1; }
