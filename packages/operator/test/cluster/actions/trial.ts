/** One action on the cluster: an experiment from its creation to its end, while its target is measured before, during and after. */
import { expect } from '@jest/globals';
import { catalogue, findAction } from '@chaosplane/actions';
import { CAPABILITIES_ANNOTATION, parseCapabilities, type ExperimentObject } from '@chaosplane/api';
import { nodes } from '@chaosplane/kube';
import { isEffective, isOver, type Installation } from '@chaosplane/testcluster/installation';
import type { Phases } from './phases.ts';

/** Where all trials take place. */
export interface Stage {
  readonly shop: Installation;
  readonly phases: Phases;
  /** The address of the pod that others are measured from. */
  readonly callerIp: string;
}

/** What is asked of an action, and how what it does is measured. No measurement reads what ChaosPlane says of it. */
export interface Measured<R> {
  /** The target's pod or node, and the node of it. */
  readonly target: {
    readonly kind?: 'Pod' | 'Node';
    readonly names?: readonly string[];
    readonly labelSelector?: object;
  };
  readonly node: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** How long it is in force. Default: some seconds, and what two measurements take here. */
  readonly seconds?: number;
  readonly injectionTimeout?: string;
  /** Makes the target, before anything is measured. */
  readonly prepare?: () => Promise<void>;
  /** Looks at the target. */
  readonly measure: (experiment?: ExperimentObject) => Promise<R>;
  /** While it is in force, or once it has happened: what is expected of `now`. */
  readonly felt: (now: R, before: R, experiment: ExperimentObject) => void | Promise<void>;
  /** After the end: what is expected of `after`. */
  readonly back: (after: R, before: R) => void;
  /** What a fault could leave behind, in a form that can be compared. */
  readonly residue?: () => Promise<unknown>;
}

/** A trial of the action, or the alias, of that name. */
export type Trial = (stage: Stage, name: string) => Promise<void>;

/** The phases of every experiment that ends well. */
export const PHASES = ['Pending', 'SteadyStateChecking', 'Running', 'Completing', 'Recovering', 'Completed'];

/** The same; lets the compiler see what is measured. */
export const measured = <R>(of: Measured<R>): Measured<R> => of;

/** Makes a trial of it. A node that cannot carry the action out must refuse it, and say why. */
export function trial<R>(measuredOn: (stage: Stage) => Measured<R>): Trial {
  return async (stage, name) => {
    const of = measuredOn(stage);
    await of.prepare?.();
    const why = await whyNot(stage, of.node, name);
    await (why === undefined ? carriedOut(stage, name, of) : refused(stage, name, of, why));
  };
}

async function toldBy({ shop }: Stage, node: string) {
  return parseCapabilities(
    (await shop.client.get(nodes, { name: node }))?.metadata.annotations?.[CAPABILITIES_ANNOTATION],
  );
}

/** Whether the daemons of all nodes have told the cluster what they can do. */
export async function knows(stage: Stage): Promise<boolean> {
  const told = await Promise.all(stage.shop.cluster.nodes.map((node) => toldBy(stage, node)));
  return told.every((known) => known !== undefined);
}

/** Why the node cannot carry it out, as its daemon has told; undefined when it can. */
async function whyNot(stage: Stage, node: string, name: string): Promise<string | undefined> {
  return (await toldBy(stage, node))?.cannot.find(({ action }) => action === findAction(name).name)?.why;
}

const LEAST_SECONDS = 5;

const nameOf = (action: string): string => `try-${action}`;

/** The target is Ready before and after: without a hypothesis nothing would hold. */
function specOf<R>(action: string, of: Measured<R>, seconds: number): object {
  const { target, parameters = {}, injectionTimeout } = of;
  const { kind = 'Pod', ...chosen } = target;
  const ready = [{ type: 'k8s', kind, ...chosen, ready: { share: '100%' }, retries: 30 }];
  return {
    target,
    action: { type: action, parameters },
    duration: `${seconds}s`,
    steadyState: { before: ready, after: ready },
    ...(injectionTimeout === undefined ? {} : { injectionTimeout }),
  };
}

async function carriedOut<R>(stage: Stage, action: string, of: Measured<R>): Promise<void> {
  const { shop, phases } = stage;
  const { measure, felt, back, residue = async () => undefined } = of;
  const lasting = findAction(action).recover === 'undo';
  const since = performance.now();
  const [clean, before] = [await residue(), await measure()];
  const took = (performance.now() - since) / 1000;
  for (let [attempt, seconds] = [1, of.seconds ?? LEAST_SECONDS + Math.ceil(2 * took)]; ; attempt += 1, seconds *= 2) {
    const name = `${nameOf(action)}-${attempt}`;
    await shop.apply(name, specOf(action, of, seconds));
    const now = await (lasting ? whileInForce(stage, name, measure) : onceDone(stage, name, measure));
    if (now !== undefined) await felt(now.seen, before, now.experiment);
    const over = await shop.until(name, isOver, 120_000);
    if (now === undefined) {
      // What was measured too late, on a machine that does other things as well, says nothing: it is tried again, for longer.
      if (attempt === 3) throw new Error(`${name} was over before it was measured`);
      await shop.remove(name);
      continue;
    }
    back(await measure(over), before);
    expect(await residue()).toEqual(clean);
    toldWell(over, action);
    if (lasting && findAction(action).route.on === 'daemon')
      expect(over.status?.targets?.[0]?.inForceMs).toBeGreaterThanOrEqual(seconds * 1000);
    expect(await phases.of(name)).toEqual(PHASES);
    return shop.remove(name);
  }
}

interface Seen<R> {
  readonly seen: R;
  readonly experiment: ExperimentObject;
}

/** Undefined where the experiment was over by then. */
async function whileInForce<R>(
  { shop }: Stage,
  name: string,
  measure: Measured<R>['measure'],
): Promise<Seen<R> | undefined> {
  const experiment = await shop.until(name, (one) => isOver(one) || isEffective(one), 300_000);
  const { phase, message = '', outcome } = experiment.status ?? {};
  if (phase === 'Failed' || outcome?.phase === 'Failed') throw new Error(`${name} failed: ${message}`);
  const seen = await measure(experiment).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ((await shop.get(name))?.status?.phase !== 'Running') return undefined;
  if ('error' in seen) throw seen.error;
  return { seen: seen.value, experiment };
}

async function onceDone<R>({ shop }: Stage, name: string, measure: Measured<R>['measure']): Promise<Seen<R>> {
  const experiment = await shop.until(name, isOver, 300_000);
  const { phase = '', message = '' } = experiment.status ?? {};
  expect(`${phase}: ${message}`).toMatch(/^Completed: /);
  return { seen: await measure(experiment), experiment };
}

/** What docs/experiments.md says of an experiment whose fault took effect, and whose steady state was kept. */
function toldWell({ status }: ExperimentObject, action: string): void {
  const condition = (type: string, reason: string) => expect.objectContaining({ type, status: 'True', reason });
  expect(status).toMatchObject({
    phase: 'Completed',
    verdict: 'Held',
    verified: '1/1',
    counts: { targets: 1, injected: 0, missed: 0, recovered: 1, verified: 1 },
    conditions: expect.arrayContaining([
      condition('Selected', 'TargetsChosen'),
      condition('Injected', 'AllInjected'),
      condition('EffectObserved', 'Verified'),
      expect.objectContaining({ type: 'Recovered', status: 'True' }),
      condition('HypothesisHeld', 'SteadyStateKept'),
      expect.objectContaining({ type: 'Complete', status: 'True' }),
    ]),
    targets: [{ state: 'Recovered', evidence: { verdict: 'Verified', summary: expect.stringMatching(/./) } }],
  });
  expect([action, status?.targets?.[0]?.endedEarly]).toEqual([action, undefined]);
}

async function refused<R>({ shop, phases }: Stage, action: string, of: Measured<R>, why: string): Promise<void> {
  const name = nameOf(action);
  const { residue = async () => undefined } = of;
  const clean = await residue();
  await shop.apply(name, specOf(action, of, LEAST_SECONDS));
  const over = await shop.until(name, isOver);
  expect(over.status).toMatchObject({
    phase: 'Failed',
    verdict: 'Inconclusive',
    targets: [{ state: 'Missed', message: expect.stringContaining(why) }],
  });
  expect(await residue()).toEqual(clean);
  expect(await phases.of(name)).toEqual(['Pending', 'SteadyStateChecking', 'Running', 'Recovering', 'Failed']);
  process.stderr.write(`${action}: the node cannot carry it out, and refuses it: ${why}\n`);
  await shop.remove(name);
}

/** Every name by which an action can be asked for. */
export const everyName = catalogue.flatMap(({ name, aliases }) => [name, ...aliases]);
