/** A node in a PID namespace of its own: its first process, which starts a daemon that may restart it. Refuses to be anything else. */
import { execFileSync, spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@chaosplane/common';
import { startDaemon } from '../../src/index.ts';

const [role = '', outside = '', folder = '', bootId = ''] = process.argv.slice(2);

// A restart anywhere but in a namespace of its own would restart the machine that the tests run on.
const here = readlinkSync('/proc/self/ns/pid');
if (!/^pid:\[\d+\]$/.test(outside) || here === outside) throw new Error(`not in a PID namespace of its own: ${here}`);

if (role === 'init') {
  if (process.pid !== 1) throw new Error('not the first process of its namespace');
  // A node that boots has another boot id; in this mount namespace only.
  writeFileSync(join(folder, 'boot_id'), `${bootId}\n`);
  execFileSync('mount', ['--bind', join(folder, 'boot_id'), '/proc/sys/kernel/random/boot_id']);
  spawn(process.execPath, [import.meta.filename, 'daemon', outside, folder, bootId], { stdio: 'inherit' });
} else {
  const paths = { socketPath: join(folder, 'run/daemon.sock'), stateDir: folder };
  const settings = { ...paths, nodeName: 'alone', runtimeEndpoint: join(folder, 'no-runtime.sock') };
  await startDaemon({ ...settings, allowNodeRestart: true }, { logger: createLogger({ level: 'silent' }) });
  console.log('serving');
}
