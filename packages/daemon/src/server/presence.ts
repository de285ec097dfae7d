/** Whether a daemon is behind a unix socket, and whether it still answers. */
import { connect } from 'node:net';
import type { Clock } from '@chaosplane/common';
import { ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';

/** `silent`: a process holds the socket, and answers nothing: it is stopped, or its node is out of breath. */
export type Presence = 'serves' | 'silent' | 'absent';

/** Whether something accepts connections on a unix socket: for a process that hangs, the kernel does. */
export function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // So many wait already that the kernel takes no more of them.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EAGAIN'));
  });
}

/**
 * Asks for the cheapest of answers, grpc.health.v1.
 * @throws The signal's reason when that aborts.
 */
export async function presenceOn(
  path: string,
  { limitMs, clock, signal }: { readonly limitMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Presence> {
  if (!(await accepts(path))) return 'absent';
  const channel = createChannel(`unix://${path}`);
  const late = new AbortController();
  const timer = clock.after(limitMs, () => late.abort());
  try {
    const call = { signal: AbortSignal.any([signal, late.signal]) };
    await createClient(HealthDefinition, channel).check({ service: '' }, call);
    return 'serves';
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) return 'silent';
    // It ended in between; any other answer is an answer.
    return error instanceof ClientError && error.code === Status.UNAVAILABLE ? 'absent' : 'serves';
  } finally {
    timer.cancel();
    channel.close();
  }
}
