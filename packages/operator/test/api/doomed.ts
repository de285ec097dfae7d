/** Stops an operator dead at one of its steps: before or after any change of the API server or of a daemon. */
import { CAPABILITIES_ANNOTATION } from '@chaosplane/api';
import type { KubeClient, KubeObject, ResourceType } from '@chaosplane/kube';
import type { ChaosDaemonClient } from '@chaosplane/proto';
import type { Daemons } from '../../src/daemons/daemons.ts';

/** Where to stop. Every effect has two steps: just before it, and just after it. */
export interface CrashPoint {
  /** Such as `before cancelChaos #2`: by its name, and the how-manieth of that name; absent: nowhere. */
  readonly step?: string;
  readonly reached: string[];
  crashed: boolean;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Kinds whose changes are not steps of an experiment; a dead operator does not change them either. */
const quiet = new Set(['Lease', 'Event']);

function stepper(point: CrashPoint) {
  const due = (name: string): boolean => {
    if (point.crashed) return true;
    const count = point.reached.filter((step) => step.startsWith(`${name} #`)).length + 1;
    const step = `${name} #${count}`;
    point.reached.push(step);
    if (step === point.step) point.crashed = true;
    return point.crashed;
  };
  const dead = (): boolean => point.crashed;
  return async <T>(name: string | undefined, effect: () => Promise<T>): Promise<T> => {
    if (dead() || (name !== undefined && due(`before ${name}`))) return never();
    const result = await effect();
    // A dead process receives no answer.
    if (dead() || (name !== undefined && due(`after ${name}`))) return never();
    return result;
  };
}

/** The client and the daemons of an operator that dies at the point. */
export function doomed(
  parts: { readonly client: KubeClient; readonly daemons: Daemons },
  point: CrashPoint,
): { readonly client: KubeClient; readonly daemons: Daemons } {
  const step = stepper(point);
  const nameOf = <T extends KubeObject>(verb: string, { kind }: ResourceType<T>, detail = ''): string | undefined =>
    quiet.has(kind) ? undefined : `${verb} ${kind}${detail}`;
  const { client, daemons } = parts;
  const kube: KubeClient = {
    ...client,
    get: (...args) => step(undefined, () => client.get(...args)),
    list: (...args) => step(undefined, () => client.list(...args)),
    create: (type, ...args) => step(nameOf('create', type), () => client.create(type, ...args)),
    replace: (type, ...args) => step(nameOf('replace', type), () => client.replace(type, ...args)),
    apply: (type, object, ...args) => {
      const phase = (object as { readonly status?: { readonly phase?: string } }).status?.phase;
      return step(nameOf('apply', type, phase === undefined ? '' : ` ${phase}`), () =>
        client.apply(type, object, ...args),
      );
    },
    patch: (type, ref, patch, ...args) =>
      // What a node can do is no step of an experiment.
      step(JSON.stringify(patch).includes(CAPABILITIES_ANNOTATION) ? undefined : nameOf('patch', type), () =>
        client.patch(type, ref, patch, ...args),
      ),
    raw: (method, path, ...args) =>
      step(path.endsWith('/eviction') ? 'evict' : undefined, () => client.raw(method, path, ...args)),
    delete: (type, ...args) => step(nameOf('delete', type), () => client.delete(type, ...args)),
  };
  const changes = ['execNetworkChaos', 'cancelChaos', 'renewLease'];
  return {
    client: kube,
    daemons: {
      ...daemons,
      of(node) {
        const real = daemons.of(node) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
        return new Proxy(real, {
          get:
            (target, method: string) =>
            (...args: unknown[]) =>
              step(changes.includes(method) ? method : undefined, async () => target[method]?.(...args)),
        }) as unknown as ChaosDaemonClient;
      },
    },
  };
}
