/** Stops a daemon dead at one of its steps: before or after any change of its journal or of the kernel. */
import type { ContainerFolder, Host, Netns } from '@chaosplane/daemon/host';
import type { ExecutionRecord, Journal, LeaseRecord, Durability } from '@chaosplane/daemon/journal';

/** Where to stop. Every effect has two steps: just before it, and just after it. */
export interface CrashPoint {
  /** The number of the step, from 1. */
  readonly step: number;
  /** How many steps were taken so far. */
  taken?: number;
  crashed: boolean;
  /** Told of each step when it is reached: `after journal: network-delay applying`. */
  readonly reached?: (name: string) => void;
}

/** Counts a step, and says whether this is where to stop. */
export function reachStep(point: CrashPoint, name: string): boolean {
  point.taken = (point.taken ?? 0) + 1;
  point.reached?.(name);
  return point.crashed || point.taken === point.step;
}

/** What a daemon does when it reaches the step. */
export type Die = (point: CrashPoint) => Promise<never> | never;

/** Never comes back: what a killed process does, as seen from within. */
const hang: Die = (point) => {
  point.crashed = true;
  return new Promise<never>(() => undefined);
};

/** Makes steps of effects, for one crash point. */
function stepsAt(point: CrashPoint, die: Die) {
  const due = (name: string): boolean => reachStep(point, name);
  return {
    effect:
      <Args extends unknown[], Result>(run: (...args: Args) => Promise<Result>, name: (...args: Args) => string) =>
      async (...args: Args): Promise<Result> => {
        if (due(`before ${name(...args)}`)) await die(point);
        const result = await run(...args);
        if (due(`after ${name(...args)}`)) await die(point);
        return result;
      },
    syncEffect:
      <Args extends unknown[], Result>(
        run: (...args: Args) => Result,
        name: (...args: Args) => string,
        counts: (...args: Args) => boolean = () => true,
      ) =>
      (...args: Args): Result => {
        if (!counts(...args)) return run(...args);
        if (due(`before ${name(...args)}`)) throw new Dead(die(point));
        const result = run(...args);
        if (due(`after ${name(...args)}`)) throw new Dead(die(point));
        return result;
      },
  };
}

type Steps = ReturnType<typeof stepsAt>;

/** The same parts, whose effects end at the crash point. Synchronous effects throw, and every later one hangs. */
export function withCrash(
  parts: { readonly host: Host; readonly journal: Journal },
  point: CrashPoint,
  die: Die = hang,
): { readonly host: Host; readonly journal: Journal } {
  const steps = stepsAt(point, die);
  return { host: crashingHost(parts.host, point, steps), journal: crashingJournal(parts.journal, point, steps) };
}

function crashingHost(host: Host, point: CrashPoint, steps: Steps): Host {
  const { effect, syncEffect } = steps;
  const folderOf = (...args: Parameters<Host['makeFolder']>): ContainerFolder => {
    const folder = host.makeFolder(...args);
    return { ...folder, remove: syncEffect(folder.remove, () => 'a folder is removed') };
  };
  return {
    ...host,
    openNetns: (path) => crashingNetns(host.openNetns(path), point, steps),
    processes: {
      ...host.processes,
      signal: syncEffect(host.processes.signal, (_process, signal) => `signal ${signal}`),
    },
    cgroups: {
      ...host.cgroups,
      create: syncEffect(host.cgroups.create, () => 'a cgroup is made'),
      remove: syncEffect(host.cgroups.remove, () => 'a cgroup is removed'),
    },
    stressors: {
      ...host.stressors,
      start: effect(host.stressors.start, ({ args }) => `a stressor is started: ${args[0] ?? ''}`),
      end: effect(host.stressors.end, () => 'a stressor is ended'),
    },
    makeFolder: syncEffect(folderOf, () => 'a folder is made'),
    runtime: { ...host.runtime, exec: effect(host.runtime.exec, () => 'a command is run') },
    restartNode: syncEffect(host.restartNode, () => 'the node is restarted'),
  };
}

function crashingNetns(netns: Netns, point: CrashPoint, { effect, syncEffect }: Steps): Netns {
  const changes = (commands: readonly string[]): boolean => !commands.every((command) => command.startsWith('list'));
  const serveTaps = effect(netns.serveTaps, (taps) => `${taps.length} TAP devices are served`);
  return {
    ...netns,
    nft: syncEffect(
      (commands: readonly string[]) => netns.nft(commands),
      (commands) => `nft: ${shown(commands)}`,
      changes,
    ),
    tc: effect(
      (commands: readonly string[]) => netns.tc(commands),
      (commands) => `tc: ${shown(commands)}`,
    ),
    qdiscs: () => (point.crashed ? hang(point) : netns.qdiscs()),
    addQueueTable: syncEffect(netns.addQueueTable, () => 'the queue table is added'),
    addIfb: syncEffect(netns.addIfb, (name) => `${name} is added`),
    removeLink: effect(netns.removeLink, (name) => `${name} is removed`),
    serveTaps: (taps, options) => (taps.length === 0 ? netns.serveTaps(taps, options) : serveTaps(taps, options)),
    serveProxies: effect(netns.serveProxies, (rules) => `the proxies are told ${rules.length} rules`),
  };
}

function crashingJournal(journal: Journal, point: CrashPoint, { effect }: Steps): Journal {
  return {
    load: () => journal.load(),
    write: effect(
      (record: ExecutionRecord, durability?: Durability) => journal.write(record, durability),
      ({ action, state }) => `journal: ${action} ${state}`,
    ),
    // No step of its own: in the journal of a daemon that was killed there is no difference.
    sync: (id) => (point.crashed ? hang(point) : journal.sync(id)),
    writeLease: effect(
      (lease: LeaseRecord) => journal.writeLease(lease),
      () => 'journal: lease',
    ),
    forget: effect(
      (id: string) => journal.forget(id),
      () => 'journal: forget',
    ),
    // Nor is this one.
    beat: (at) => (point.crashed ? hang(point) : journal.beat(at)),
  };
}

/** The first words of the first command, without what differs from run to run. */
function shown(commands: readonly string[]): string {
  const words = (commands[0] ?? '').split(' ').slice(0, 4).join(' ');
  return commands.length === 1 ? words : `${words} … (${commands.length} commands)`;
}

/** Thrown where a synchronous effect cannot hang; code that catches it can change nothing any more. */
class Dead extends Error {
  constructor(_never: unknown) {
    super('the daemon was killed here');
  }
}
