import { describe, expect, test } from '@jest/globals';
import { createLogger, type Clock } from '@chaosplane/common';
import type { ContainerDetail, Host, SandboxDetail } from '../contract/host.ts';
import type { ExecutionRecord } from '../journal/record.ts';
import { whyGone } from './why-gone.ts';

const target = {
  kind: 'containers',
  podNamespace: 'shop',
  podName: 'web',
  sandboxId: 's',
  containers: [{ id: 'c', name: 'app' }],
};
const record = { id: 'e', bootId: 'boot', target } as unknown as ExecutionRecord;
const EXITED = 'container app ended with exit code 137 (SIGKILL) at 1970-01-01T00:01:40.000Z';

/** Asks at 100 s; what the runtime tells is a function of the time. */
async function ask(tell: {
  readonly container: (ms: number) => Partial<ContainerDetail> | undefined;
  readonly sandbox: (ms: number) => Partial<SandboxDetail> | undefined;
}): Promise<{ words: string | undefined; tookMs: number }> {
  let passed = 0;
  const clock = {
    now: () => 100_000 + passed,
    monotonic: () => passed,
    sleep: async (ms: number) => void (passed += ms),
  } as unknown as Clock;
  const runtime = { container: async () => tell.container(passed), sandbox: async () => tell.sandbox(passed) };
  const host = { bootId: 'boot', runtime } as unknown as Host;
  const words = await whyGone({ host, clock, logger: createLogger({ level: 'silent' }) }, record);
  return { words, tookMs: passed };
}

const exited = (finishedAt = 100_000) => ({ name: 'app', state: 'exited', exitCode: 137, finishedAt }) as const;
const running = { name: 'app', state: 'running' } as const;
const ready = { ready: true };

describe('why a container is gone', () => {
  test('is its exit alone, when its pod stays; that is waited for no longer than a second', async () => {
    expect(await ask({ container: () => exited(), sandbox: () => ready })).toEqual({ words: EXITED, tookMs: 1000 });
  });

  test('is told with the end of its pod, which a kubelet ends a moment later', async () => {
    const sandbox = (ms: number) => ({ ready: ms < 300 });
    const words = `${EXITED}; pod shop/web was stopped`;
    expect(await ask({ container: () => exited(), sandbox })).toEqual({ words, tookMs: 300 });
  });

  test('keeps the exit code of a container that is removed before its pod', async () => {
    const container = (ms: number) => (ms < 200 ? exited() : undefined);
    const sandbox = (ms: number) => (ms < 500 ? ready : undefined);
    expect((await ask({ container, sandbox })).words).toBe(`${EXITED}; pod shop/web was deleted`);
  });

  test('is told at once, when it exited long ago', async () => {
    expect((await ask({ container: () => exited(50_000), sandbox: () => ready })).tookMs).toBe(0);
  });

  test('is what is known already, when the runtime fails', async () => {
    const sandbox = (ms: number) => {
      if (ms > 0) throw new Error('no runtime');
      return ready;
    };
    expect((await ask({ container: () => exited(), sandbox })).words).toBe(EXITED);
  });

  test('is waited for, when the kernel shows the end before the runtime does', async () => {
    const container = (ms: number) => (ms < 400 ? running : exited());
    expect((await ask({ container, sandbox: () => ready })).words).toBe(EXITED);
    expect(await ask({ container: () => running, sandbox: () => ready })).toEqual({ words: undefined, tookMs: 2000 });
  });
});
