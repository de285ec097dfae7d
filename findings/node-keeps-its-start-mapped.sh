#!/usr/bin/env bash
# Half of what is resident of a Node.js server are pages of its own program, and part of these only its start has used: the kernel unmaps pages
# of a file when memory runs out, and not before. madvise(MADV_DONTNEED) over the clean, read-only mappings of the program takes them away
# from the running process, threads and all; what it uses comes back at the first touch, 64 KiB at a time, and the rest does not, after as
# many requests over TLS as before, either. See proc_pid_smaps(5) and madvise(2).
# Seen with Node.js 24.21.0, koffi 3.3.4, Linux 6.18: of 82 MB resident 38 to 48 are left, and 69 after a hundred requests more.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund node@24.21.0 koffi@3.3.4 >/dev/null 2>&1
node=$work/node_modules/node/bin/node
[ -x "$node" ] || node $work/node_modules/node/installArchSpecificPackage.js >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 1 2>/dev/null
cat >serve.mjs <<'JS'
import { readFileSync, readlinkSync } from 'node:fs';
import { createSecureServer, connect } from 'node:http2';
import koffi from 'koffi';

const madvise = koffi.load('libc.so.6').func('int madvise(uintptr_t, size_t, int)');
const resident = () => Math.round((Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024) / 1e6);

const server = createSecureServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }, (_, answer) => answer.end('fine'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
async function requests(count) {
  for (let turn = 0; turn < count; turn += 1) {
    const client = connect(`https://localhost:${server.address().port}`, { rejectUnauthorized: false });
    await new Promise((done) => client.request().on('end', done).resume());
    client.close();
  }
}

/** Of the program: read-only, and no page of it was written to or is swapped out. */
function* mappings() {
  const program = readlinkSync('/proc/self/exe');
  let last;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ +(.*)$/.exec(line);
    if (head) last = head[4] === program && !head[3].includes('w') ? [parseInt(head[1], 16), parseInt(head[2], 16)] : undefined;
    if (/^(Anonymous|Swap): +[1-9]/.test(line)) last = undefined;
    if (last && line.startsWith('Swap:')) yield last;
  }
}

await requests(100);
const before = resident();
for (const [from, to] of [...mappings()]) madvise(from, to - from, 4);
const least = resident();
await requests(100);
console.log(before, least, resident());
process.exit();
JS
read -r before least after < <("$node" serve.mjs)
echo "Node.js $("$node" --version), $(uname -r): $before MB resident, $least after madvise, $after after as much work as before"
[ $((least * 10)) -le $((before * 7)) ] && [ $((after * 10)) -le $((before * 9)) ] || { echo 'this has changed' >&2; exit 1; }
