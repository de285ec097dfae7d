/** container-kill: the first process of one container, or of each of a pod, gets a signal from the node. */
import type { ContainerKillSpec } from '@chaosplane/actions';
import { ChaosError } from '@chaosplane/common';
import type { ContainerDetail } from '../../contract/host.ts';
import type { OneShotFault, ResolvedTarget, OneShotTools, Measured } from '../fault.ts';

/** How long a container has to exit before the evidence says that it did not, and how often it is looked at. */
const EXIT_MS = 10_000;
const LOOK_EVERY_MS = 50;

export const containerKill: OneShotFault<ContainerKillSpec> = {
  driver: 'one-shot',
  engine: 'signal',
  needs: ['root', 'container-runtime'],
  target: ({ target }) => ({ on: 'pod', ...target, unnamed: 'all', inside: true }),
  steps: ({ signal }, target) =>
    containersOf(target).map(({ name, process }) => ({
      tool: 'signal',
      argv: [],
      input: `SIG${signal} to process ${process.pid} of container ${name}\n`,
    })),
  async run({ signal }, target, tools) {
    const containers = containersOf(target);
    const reached = containers.filter(({ process }) => tools.host.processes.signal(process, signal));
    if (reached.length === 0) {
      throw new ChaosError('NOT_FOUND', 'the container exited before it got the signal: try again when it runs');
    }
    const deadline = tools.clock.monotonic() + EXIT_MS;
    for (;;) {
      const details = await detailsOf(target, tools);
      const over = details.every((detail) => detail === undefined || detail.state === 'exited');
      if (over || tools.clock.monotonic() > deadline) return measured(signal, target, details);
      await tools.clock.sleep(LOOK_EVERY_MS);
    }
  },
  async outcome({ signal }, target, { createdAt }, tools) {
    const details = await detailsOf(target, tools).catch(() => []);
    const exited = details.filter((detail) => (detail?.finishedAt ?? 0) >= createdAt);
    return exited.length === containersOf(target).length ? measured(signal, target, exited) : undefined;
  },
};

type ContainersTarget = Extract<ResolvedTarget, { kind: 'containers' }>;

function containersOf(target: ResolvedTarget): ContainersTarget['containers'] {
  return target.kind === 'containers' ? target.containers : [];
}

/** What the runtime says of each; one that it has forgotten is undefined. */
function detailsOf(target: ResolvedTarget, { host }: OneShotTools): Promise<(ContainerDetail | undefined)[]> {
  return Promise.all(containersOf(target).map(({ id }) => host.runtime.container(id)));
}

function measured(signal: string, target: ResolvedTarget, details: readonly (ContainerDetail | undefined)[]): Measured {
  const exits = details.flatMap((detail) =>
    detail?.exitCode === undefined ? [] : [{ ...detail, code: detail.exitCode }],
  );
  const gone = details.filter((detail) => detail === undefined).length;
  const total = containersOf(target).length;
  const words = [
    ...exits.map(({ name, code, finishedAt }) => {
      const when = finishedAt === undefined ? '' : ` at ${new Date(finishedAt).toISOString()}`;
      return `container ${name} exited with code ${code}${when}`;
    }),
    ...(gone === 0 ? [] : [`${gone} removed by the runtime`]),
    ...(exits.length + gone === total
      ? []
      : [`${total - exits.length - gone} of ${total} still run after SIG${signal}`]),
  ];
  const [only] = exits;
  return {
    verdict: exits.length + gone === total ? 'verified' : 'not-observed',
    summary: words.join('; '),
    counters: {
      containers: total,
      containers_exited: exits.length + gone,
      ...(only !== undefined && total === 1 ? { exit_code: only.code } : {}),
    },
  };
}
