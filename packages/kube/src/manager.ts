/** Starts the parts of a program in order, and stops them in the other, each within its time. */
import { ChaosError, type Clock, type Logger } from '@chaosplane/common';
import { linkedAbort } from './linked-abort.ts';

/** A part of a program. */
export interface Component {
  readonly name: string;
  /** Resolves when it is started. What goes on afterwards ends when the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Called after the signal has aborted; resolves when it has ended. */
  stop?(): Promise<void>;
  /** How long stop may take, in milliseconds; less where the manager's budget is used up. Default 10000. */
  readonly stopTimeoutMs?: number;
}

export type ComponentState = 'waiting' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

export interface Manager {
  /** Adds a part, before start. */
  add(component: Component): void;
  /**
   * Starts all, one after another. When one fails, or the signal aborts, those before it are stopped and its error
   * (or the signal's reason) is thrown. After that the signal's abort is the same as stop.
   */
  start(signal: AbortSignal): Promise<void>;
  /** Stops all that was started, in reverse order, within its budget. Idempotent, and never throws: what fails to stop is logged. */
  stop(): Promise<void>;
  readonly health: readonly { readonly name: string; readonly state: ComponentState }[];
}

interface ManagedComponent {
  readonly component: Component;
  readonly life: AbortController;
  state: ComponentState;
}

const STOP_TIMEOUT_MS = 10_000;

/** How long `stop` takes at most, all parts together, unless it is said otherwise. Milliseconds. */
export const STOP_BUDGET_MS = 20_000;

/** What a manager works with. */
export interface ManagerParts {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Default STOP_BUDGET_MS. */
  readonly stopBudgetMs?: number;
}

export function createManager({ logger, clock, stopBudgetMs = STOP_BUDGET_MS }: ManagerParts): Manager {
  const entries: ManagedComponent[] = [];
  let begun = false;
  let stopping: Promise<void> | undefined;

  const stopOne = async (entry: ManagedComponent, leftMs: number): Promise<void> => {
    const { component, life } = entry;
    const limit = Math.min(component.stopTimeoutMs ?? STOP_TIMEOUT_MS, leftMs);
    entry.state = 'stopping';
    life.abort(new ChaosError('UNAVAILABLE', `${component.name} is stopped`));
    const late = Promise.withResolvers<never>();
    const timer = clock.after(limit, () =>
      late.reject(new ChaosError('DEADLINE_EXCEEDED', `${component.name} did not stop within ${limit} ms`)),
    );
    try {
      await Promise.race([Promise.resolve(component.stop?.()), late.promise]);
      entry.state = 'stopped';
    } catch (error) {
      entry.state = 'failed';
      logger.error({ component: component.name, err: error }, 'component did not stop');
    } finally {
      timer.cancel();
    }
  };

  const stopAll = async (): Promise<void> => {
    const until = clock.monotonic() + stopBudgetMs;
    for (const entry of entries.toReversed()) {
      // With no time left, each is still told to end, and may do so at once.
      const left = Math.max(0, until - clock.monotonic());
      if (entry.state === 'running' || entry.state === 'starting') await stopOne(entry, left);
    }
  };
  const stop = (): Promise<void> => (stopping ??= stopAll());

  const startOne = async (entry: ManagedComponent, signal: AbortSignal): Promise<void> => {
    const { component, life } = entry;
    using given = linkedAbort(signal);
    const aborted = Promise.withResolvers<never>();
    given.signal.addEventListener('abort', () => aborted.reject(given.signal.reason as Error), { once: true });
    entry.state = 'starting';
    try {
      given.signal.throwIfAborted();
      // A part that ignores its signal does not keep the others from being stopped.
      await Promise.race([component.start(life.signal), aborted.promise]);
      life.signal.throwIfAborted();
      entry.state = 'running';
    } catch (error) {
      life.abort(error);
      entry.state = 'failed';
      throw error;
    }
  };

  return {
    add(component) {
      if (begun) throw new ChaosError('INTERNAL', `${component.name} was added after the start`);
      entries.push({ component, life: new AbortController(), state: 'waiting' });
    },
    async start(signal) {
      if (begun) throw new ChaosError('INTERNAL', 'the manager was started twice');
      begun = true;
      for (const entry of entries) {
        const started = clock.monotonic();
        try {
          if (stopping !== undefined) throw new ChaosError('UNAVAILABLE', 'stopped while it started');
          await startOne(entry, signal);
        } catch (error) {
          await stop();
          throw error;
        }
        const ms = Math.round(clock.monotonic() - started);
        logger.debug({ component: entry.component.name, ms }, 'component started');
      }
      if (signal.aborted) void stop();
      signal.addEventListener('abort', () => void stop(), { once: true });
    },
    stop,
    get health() {
      return entries.map(({ component, state }) => ({ name: component.name, state }));
    },
  };
}
