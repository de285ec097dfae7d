/** hello-world: the worked example – lists the processes that a container sees, and logs them. */
import type { HelloWorldSpec } from '@chaosplane/actions';
import { asChaosError, countOf } from '@chaosplane/common';
import type { ProcessRef } from '../../contract/host.ts';
import type { OneShotFault, OneShotTools } from '../fault.ts';

const COMMAND = ['ps', 'aux'] as const;

/** What a shell answers for a program that is not in the image. */
const NOT_THERE = [126, 127];

export const helloWorld: OneShotFault<HelloWorldSpec> = {
  driver: 'one-shot',
  engine: 'exec',
  needs: ['container-runtime'],
  target: ({ containerId }) => ({ on: 'container', containerId }),
  steps: (_spec, target) => [
    {
      tool: 'exec',
      argv: COMMAND,
      input: target.kind === 'node' ? '' : `in container ${target.containers[0]?.id ?? ''}\n`,
    },
  ],
  async run({ containerId }, target, tools) {
    const [container] = target.kind === 'node' ? [] : target.containers;
    if (container === undefined) throw new Error('its target is a container');
    tools.logger.info({ containerId }, 'hello world requested');
    const { command, output, why } = await list(container, tools);
    tools.logger.info({ containerId, command, output }, 'hello world answered');
    // The first line is the heading.
    const processes = Math.max(0, output.trim().split('\n').length - 1);
    return {
      verdict: processes > 0 ? 'verified' : 'not-observed',
      summary: `${countOf(processes, 'process', 'processes')} listed by ${command}${why === undefined ? '' : ` (${why})`}`,
      counters: { processes },
    };
  },
};

interface List {
  readonly command: string;
  readonly output: string;
  /** Why it is not the container's own list. */
  readonly why?: string;
}

/** By the container's own ps, in its own confinement; where that does not come about, as the node sees its processes. */
async function list(
  { id, process }: { readonly id: string; readonly process: ProcessRef },
  { host }: OneShotTools,
): Promise<List> {
  const answer = await host.runtime.exec(id, COMMAND).catch((error: unknown) => asChaosError(error).message);
  const command = COMMAND.join(' ');
  if (typeof answer !== 'string' && !NOT_THERE.includes(answer.exitCode)) {
    return { command, output: `${answer.stdout}${answer.stderr}` };
  }
  const why = typeof answer === 'string' ? answer : `${command} exited with ${answer.exitCode}`;
  const lines = host.processes.seenBy(process).map(({ pid, uid, command: each }) => `${pid}\t${uid}\t${each}`);
  return { command: '/proc', output: ['PID\tUID\tCOMMAND', ...lines].join('\n'), why };
}
