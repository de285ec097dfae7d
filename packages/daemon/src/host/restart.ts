/** Restarts the node that the daemon runs on. */
import { readFileSync } from 'node:fs';
import { ChaosError } from '@chaosplane/common';
import { restartKernel, syncDisks } from './kernel/process-calls.ts';

/** SIGRTMIN+5 of the C library: systemd starts reboot.target; see systemd(1). */
const SYSTEMD_REBOOT = 34 + 5;

/**
 * Asks systemd where it is the first process. Otherwise reboot(2), which restarts the kernel – or, within a PID namespace of its
 * own, only ends the first process of that, which is what a node in a namespace is.
 * @throws ChaosError FAILED_PRECONDITION when the daemon does not see the node's own processes.
 */
export function restartNode(): void {
  if (process.pid === 1) {
    const message = 'the daemon is the first process that it sees, so it would only restart itself';
    throw new ChaosError('FAILED_PRECONDITION', `${message}: run it in the PID namespace of the node (hostPID)`);
  }
  if (readFileSync('/proc/1/comm', 'utf8').trim() === 'systemd') {
    process.kill(1, SYSTEMD_REBOOT);
    return;
  }
  syncDisks();
  restartKernel();
}
