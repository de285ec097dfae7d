/** Who calls a daemon a hundred times a second, as an operator does, from inside a network namespace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What it says: calls that succeeded so far, and how those since it was asked last went. */
export interface Said {
  readonly kept: number;
  readonly new: number;
  /** How long each call on a kept connection took since it was asked last, in milliseconds. */
  readonly times: readonly number[];
  readonly failures: readonly string[];
  /** Connections that were kept for all calls, one after another. */
  readonly connections: number;
  /** How often it has heard of a change. */
  readonly generation: number;
}

/** Where it calls, and by which files. */
export interface CallerOptions {
  readonly netns: string;
  /** `address:port`. */
  readonly address: string;
  /** The name in the daemon's certificate. */
  readonly name: string;
  /** The folder of `tls.crt`, `tls.key` and `ca.crt`. */
  readonly tls: string;
  /** The file of the token. */
  readonly token: string;
  /** How many of a hundred calls are made over a connection of their own. Default 7. */
  readonly onNew?: number;
}

export interface RotationCaller {
  readonly pid: number;
  /** What came of the calls. */
  ask(): Promise<Said>;
  /** The same; what failed is told to the next one that asks, too. */
  peek(): Promise<Said>;
  close(): Promise<void>;
}

export function startRotationCaller({ netns, address, name, tls, token, onNew = 7 }: CallerOptions): RotationCaller {
  const program = [
    'setpriv',
    '--pdeathsig',
    'KILL',
    process.execPath,
    `${import.meta.dirname}/rotation-caller.main.ts`,
    address,
    name,
    tls,
    token,
    String(onNew),
  ];
  const child = spawn('nsenter', [`--net=${netns}`, ...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let since: Pick<Said, 'times' | 'failures'> = { times: [], failures: [] };
  const peek = async (): Promise<Said> => {
    child.stdin.write('\n');
    const { value } = (await answers.next()) as { value?: string };
    if (value === undefined) throw new Error('the caller ended');
    const said = JSON.parse(value) as Said;
    since = { times: [...since.times, ...said.times], failures: [...since.failures, ...said.failures] };
    return { ...said, ...since };
  };
  return {
    pid: child.pid ?? 0,
    peek,
    async ask() {
      const said = await peek();
      since = { times: [], failures: [] };
      return said;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
