/**
 * The first step of every npm script: brings the dependencies up to date and runs the given program on the Node.js that the
 * project brings along. Plain JavaScript, because it has to run on any Node.js that a fresh machine has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.chaosplane-stamp');
const lock = join(root, '.npm-ci.lock');
const node = join(root, 'node_modules', '.bin', 'node');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

const fresh = () => existsSync(stamp) && existsSync(node) && readFileSync(stamp, 'utf8') === wanted;

/** Two programs started at once in one clone must not both install. A lock older than ten minutes was left by a killed one. */
function takeLock() {
  for (let told = false; ; told = true) {
    try {
      mkdirSync(lock);
      return;
    } catch {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 600_000) rmSync(lock, { recursive: true, force: true });
      else if (!told) console.error('another process installs the dependencies here: waiting');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
}

function install() {
  takeLock();
  try {
    if (fresh()) return;
    console.error('installing the dependencies, which takes about a minute the first time …');
    // Not `npm ci`: it refuses a lock file that lacks another platform's optional binaries, which not every registry has.
    const result = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (result.status !== 0) {
      console.error('error: npm install failed; its own words are above. Is the npm registry reachable from here?');
      process.exit(2);
    }
    bringNodesLicence();
    // Never in place: a tree made with hard links would be told of what was installed in another.
    writeFileSync(`${stamp}.new`, wanted);
    renameSync(`${stamp}.new`, stamp);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** npm takes away what the package `node` has installed into itself, with the licence that images carry, when it installs once more. */
function bringNodesLicence() {
  const own = join(root, 'node_modules', 'node', 'node_modules');
  if (existsSync(own) && readdirSync(own).some((name) => name.startsWith('node-'))) return;
  spawnSync('npm', ['rebuild', 'node', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
}

if (!fresh()) install();
const [program, ...args] = process.argv.slice(2);
// The second: a thread that is started from TypeScript runs Node's type stripper, which is WebAssembly. V8 has ended a process
// (`Check failed: jit_page.has_value()`, Node 24.21.0) when it replaced one of the stripper's wrappers by a compiled one; with this it
// never does. Bundles, such as those of the images, run no stripper. See https://github.com/nodejs/node/issues/64500.
const flags = ['--disable-warning=ExperimentalWarning', `--wasm-wrapper-tiering-budget=${2 ** 31 - 1}`];
// What was stripped of its types is kept: a program starts in two thirds of the time.
const kept = join(root, 'node_modules', '.cache', 'node');
const env = { NODE_COMPILE_CACHE: kept, ...process.env };
const child = spawn(node, [...flags, join(root, program), ...args], { stdio: 'inherit', env });
// A terminal sends Ctrl-C to both; only the program decides what it means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));
