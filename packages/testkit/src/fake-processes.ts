/** A stand-in for a node's processes: containers, stressors in cgroups, folders in containers; printable as text. */
import { ChaosError } from '@chaosplane/common';
import type {
  Cgroup,
  CgroupRoom,
  ContainerDetail,
  ContainerFolder,
  ExecResult,
  Host,
  ProcessRef,
  StressorOrder,
} from '@chaosplane/daemon/host';

/** After anything that a test begins: the year 2100. */
const FAR_FUTURE = 4_102_444_800_000;

/** A container of the fake node. */
export interface FakeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly process: ProcessRef;
  exit?: { readonly code: number; readonly at: number };
  /** Folders of others' making that were put into it. */
  readonly folders: Set<string>;
}

interface FakeStressor {
  readonly process: ProcessRef;
  readonly order: StressorOrder;
  /** Which daemon started it: it dies with that one. */
  readonly daemon: number;
}

/** What the fake kernel and the fake runtime hold of processes; survives the daemons that come and go. */
export class FakeProcesses {
  readonly #containers = new Map<string, FakeContainer>();
  readonly #stressors = new Map<number, FakeStressor>();
  readonly #cgroups = new Set<string>();
  /** What the cgroup of each container leaves; tests set it. */
  room: CgroupRoom = { memoryLimitBytes: 2 ** 30, memoryFreeBytes: 2 ** 30, oomKillsAll: false };
  /** Whether containers are paused. */
  frozen = false;
  /** What each stressor has used so far, and the cgroups with it. */
  cpuMs = 100;
  #oomKills = 0;
  #pids = 1000;
  #daemons = 0;
  #started = 0;
  /** How often the node was told to restart. */
  restarts = 0;
  /** Every signal that was sent, as `KILL app`. */
  readonly signals: string[] = [];

  /** `shared`: a process that another container is already, as in gVisor. */
  addContainer(sandboxId: string, name: string, shared?: ProcessRef): FakeContainer {
    const pid = ++this.#pids;
    const process = shared ?? { pid, startTime: String(pid) };
    const container = { id: `${sandboxId}-${name}`, sandboxId, name, process, folders: new Set<string>() };
    this.#containers.set(container.id, container);
    return container;
  }

  containersOf(sandboxId: string): FakeContainer[] {
    return [...this.#containers.values()].filter((container) => container.sandboxId === sandboxId);
  }

  removePod(sandboxId: string): void {
    for (const { id } of this.containersOf(sandboxId)) this.#containers.delete(id);
  }

  /** Takes stressors away without the daemon. `oomKills`: how many processes the kernel counts as killed for lack of memory. */
  killStressors({ how = 'SIGKILL', oomKills = 0 } = {}): void {
    const gone = [...this.#stressors.values()];
    this.#stressors.clear();
    this.#oomKills += oomKills;
    for (const { order } of gone) order.ended?.(how);
  }

  /** Lets the processes of a container end, and what shares its cgroup be killed with it when `oomKills` says so. */
  exitContainer({ id }: FakeContainer, code: number, { oomKills = 0 } = {}): void {
    const container = this.#containers.get(id);
    if (container !== undefined) container.exit = { code, at: FAR_FUTURE };
    if (oomKills > 0) this.killStressors({ oomKills });
  }

  /** Everything that faults can change, as text: equal texts, equal nodes. */
  print(): string {
    return [
      ...[...this.#containers.values()].flatMap(({ name, sandboxId, exit, folders }) => [
        `container ${name} of ${sandboxId} ${exit === undefined ? 'runs' : `exited with ${exit.code}`}`,
        ...[...folders].map((folder) => `  folder ${folder}`),
      ]),
      ...[...this.#stressors.values()]
        .map(({ order }) => `stressor ${order.args.join(' ')} in ${order.cgroup.join(' ')}`)
        .sort(),
      ...[...this.#cgroups].map((name) => `cgroup ${name}`),
    ].join('\n');
  }

  /** The part of a node that a new daemon sees. What an earlier daemon started dies with it, now. */
  host(): Pick<
    Host,
    | 'processes'
    | 'cgroups'
    | 'stressors'
    | 'makeFolder'
    | 'oomScoreAdjOf'
    | 'memoryBytes'
    | 'memoryFreeBytes'
    | 'restartNode'
  > {
    const daemon = ++this.#daemons;
    for (const [pid, stressor] of this.#stressors) if (stressor.daemon !== daemon) this.#stressors.delete(pid);
    const isAlive = ({ pid, startTime }: ProcessRef): boolean => {
      const container = this.#byPid(pid);
      if (container !== undefined) return container.exit === undefined && container.process.startTime === startTime;
      return this.#stressors.get(pid)?.process.startTime === startTime;
    };
    return {
      memoryBytes: 8 * 2 ** 30,
      memoryFreeBytes: () => 4 * 2 ** 30,
      restartNode: () => {
        this.restarts++;
      },
      processes: {
        find: (pid) => {
          const container = this.#byPid(pid);
          return container?.exit === undefined ? container?.process : undefined;
        },
        isAlive,
        signal: (process, signal) => {
          const container = this.#byPid(process.pid);
          if (container === undefined || !isAlive(process)) return false;
          this.signals.push(`${signal} ${container.name}`);
          container.exit = { code: signal === 'KILL' ? 137 : 143, at: FAR_FUTURE };
          return true;
        },
        seenBy: () => [{ pid: 1, uid: 0, command: 'app' }],
      },
      cgroups: {
        of: (process) => [`/cgroup/${this.#byPid(process.pid)?.id ?? ''}`],
        usage: () => ({ cpuMs: 5 + this.cpuMs * this.#started, memoryBytes: 1000, oomKills: this.#oomKills }),
        room: () => this.room,
        isFrozen: () => this.frozen,
        create: (name): Cgroup => {
          this.#cgroups.add(name);
          return [`/cgroup/chaosplane/${name}`];
        },
        remove: (name) => void this.#cgroups.delete(name),
        idle: () => [...this.#cgroups],
      },
      stressors: {
        start: async (order) => {
          const pid = ++this.#pids;
          const process = { pid, startTime: String(pid) };
          this.#stressors.set(pid, { process, order, daemon });
          this.#started++;
          return process;
        },
        usage: ({ pid }) => {
          const { order } = this.#stressors.get(pid) ?? {};
          if (order === undefined) return { processes: 0, workers: 0, cpuMs: 0, residentBytes: 0, writtenBytes: 0 };
          const { workers } = order;
          return { processes: workers + 1, workers, cpuMs: this.cpuMs, residentBytes: 2 ** 28, writtenBytes: 2 ** 20 };
        },
        end: async ({ pid }) => void this.#stressors.delete(pid),
      },
      makeFolder: (process, path, name) => this.#makeFolder(process, `${path}/${name}`, isAlive(process)),
      oomScoreAdjOf: () => 0,
    };
  }

  /** The part of a runtime that is about containers. */
  runtime(): { container(id: string): Promise<ContainerDetail | undefined>; exec(id: string): Promise<ExecResult> } {
    return {
      container: async (id) => {
        const container = this.#containers.get(id);
        if (container === undefined) return undefined;
        const { sandboxId, name, process, exit } = container;
        return exit === undefined
          ? { id, sandboxId, name, state: 'running', pid: process.pid }
          : { id, sandboxId, name, state: 'exited', exitCode: exit.code, finishedAt: exit.at };
      },
      exec: async () => ({ exitCode: 0, stdout: 'PID USER COMMAND\n1 root app\n', stderr: '' }),
    };
  }

  #byPid(pid: number): FakeContainer | undefined {
    return [...this.#containers.values()].find(({ process }) => process.pid === pid);
  }

  #makeFolder(process: ProcessRef, path: string, alive: boolean): ContainerFolder {
    const container = this.#byPid(process.pid);
    if (container === undefined || !alive) throw new ChaosError('NOT_FOUND', 'the container is gone');
    container.folders.add(path);
    return { fd: 0, remove: () => void container.folders.delete(path), close: () => undefined };
  }
}
