/** One run: how long the API server takes to tell an object, an experiment to lose its first packet, and an abort to let one pass. */
import { ABORT_ANNOTATION, chaosExperiments, FINALIZER, isFinal, type ExperimentObject } from '@chaosplane/api';
import { systemClock } from '@chaosplane/common';
import { NAMESPACE } from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { now } from './clock.ts';
import { equals, POD, type Build, type ToldEvent } from './setup.ts';

/** Milliseconds, by what they are of. */
export type Sample = Readonly<Record<Measure, number>> & { readonly legs: ReadonlyMap<string, number> };

/** What is measured. */
export type Measure = 'roundTrip' | 'created' | 'inject' | 'abort';

/** How long one run may take. */
const LIMIT_MS = 60_000;

/** After the status says so, packets that are on their way have come, and so have their answers. */
const SETTLED_MS = 200;

const spec = {
  target: { names: [POD] },
  // Every packet to the pod is lost, so that the first one that is not answered is the first that was changed. At the pod's door, and
  // not behind it: a program that is slow to answer makes no difference.
  action: { type: 'network-loss', parameters: { percent: 100, direction: 'ingress' } },
  duration: '10m',
};

const statusOf = ({ object }: ToldEvent): NonNullable<ExperimentObject['status']> =>
  (object as ExperimentObject).status ?? {};

export async function runOnce(build: Build, serial: number, signal: AbortSignal): Promise<Sample> {
  const life = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  const roundTrip = await tellEqual(build, `equal-${serial}`, life);
  await pause(life);
  const name = `run-${serial}`;
  const legs = new Map<string, number>();
  const begun = await inject(build, name, legs, life);
  await pause(life);
  const abort = await endIt(build, name, legs, life);
  return { roundTrip, ...begun, abort, legs };
}

/** So that what was before is over: the operator writes a little later than it acts. */
async function pause(signal: AbortSignal): Promise<void> {
  await systemClock.sleep(300 + Math.random() * 300, signal);
}

/** An equal object, of which the API server alone knows: created, and told by a watch. */
async function tellEqual({ installation, next }: Build, name: string, signal: AbortSignal): Promise<number> {
  const { client } = installation;
  const told = next(({ type, object }) => type === 'ADDED' && object.metadata.name === name, signal);
  const begun = now();
  const [{ at }] = await Promise.all([told, client.create(equals, objectOf(equals, name), { signal })]);
  const gone = next(({ type, object }) => type === 'DELETED' && object.metadata.name === name, signal);
  await Promise.all([gone, client.delete(equals, { namespace: NAMESPACE, name }, { signal })]);
  return at - begun;
}

const objectOf = ({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }, name: string) => ({
  apiVersion,
  kind,
  metadata: { namespace: NAMESPACE, name },
  spec,
});

/** From the request that creates it to the first packet that is lost. */
async function inject(
  { installation, traffic, next }: Build,
  name: string,
  legs: Map<string, number>,
  signal: AbortSignal,
): Promise<Pick<Sample, 'created' | 'inject'>> {
  const { client } = installation;
  const of = (event: ToldEvent): boolean =>
    event.object.kind === chaosExperiments.kind &&
    event.object.apiVersion === chaosExperiments.apiVersion &&
    event.object.metadata.name === name;
  const steps = {
    'the API server tells it': (event: ToldEvent) => of(event) && event.type === 'ADDED',
    'it has the finalizer': (event: ToldEvent) =>
      of(event) && event.object.metadata.finalizers?.includes(FINALIZER) === true,
    'its shard is written': ({ object }: ToldEvent) => object.metadata.ownerReferences?.[0]?.name === name,
    'its targets are written': (event: ToldEvent) => of(event) && statusOf(event).phase !== undefined,
    'it is written as Running': (event: ToldEvent) => of(event) && statusOf(event).phase === 'Running',
    'its effect is written': (event: ToldEvent) => of(event) && statusOf(event).effectiveAt !== undefined,
  };
  const told = moments(steps, next, signal);
  const begun = now();
  await client.create(chaosExperiments, objectOf(chaosExperiments, name), { signal });
  const times = await told;
  await systemClock.sleep(SETTLED_MS, signal);
  const lost = (await traffic.firstLost()) ?? NaN;
  if (!(lost > begun)) throw new Error(`${name}: the first packet that was lost was sent before the experiment`);
  times.set('the first packet is lost', lost);
  for (const [step, at] of times) legs.set(step, at - begun);
  return { created: (times.get('the API server tells it') ?? NaN) - begun, inject: lost - begun };
}

/** When each of these was told first. */
function moments(
  steps: Readonly<Record<string, (event: ToldEvent) => boolean>>,
  next: Build['next'],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const all = Promise.all(
    Object.entries(steps).map(async ([step, like]) => [step, (await next(like, signal)).at] as const),
  );
  // The caller may have failed before it waits.
  all.catch(() => undefined);
  return all.then((times) => new Map(times));
}

/** From the request that aborts it to the first packet that passes; then it is deleted. */
async function endIt(
  { installation, traffic, next }: Build,
  name: string,
  legs: Map<string, number>,
  signal: AbortSignal,
): Promise<number> {
  const { client } = installation;
  const ref = { namespace: NAMESPACE, name };
  const of = ({ object }: ToldEvent): boolean =>
    object.apiVersion === chaosExperiments.apiVersion &&
    object.kind === chaosExperiments.kind &&
    object.metadata.name === name;
  const steps = {
    'the API server tells the abort': (event: ToldEvent) =>
      of(event) && event.object.metadata.annotations?.[ABORT_ANNOTATION] === 'true',
    'it is written as Recovering': (event: ToldEvent) => of(event) && statusOf(event).phase === 'Recovering',
    'its end is written': (event: ToldEvent) => of(event) && isFinal({ phase: statusOf(event).phase ?? 'Pending' }),
  };
  await traffic.mark();
  await systemClock.sleep(SETTLED_MS, signal);
  if ((await traffic.firstBack()) !== undefined) throw new Error(`${name}: a packet passed while all should be lost`);
  const told = moments(steps, next, signal);
  const begun = now();
  const body = { metadata: { annotations: { [ABORT_ANNOTATION]: 'true' } } };
  await client.patch(chaosExperiments, ref, { kind: 'merge', body }, { signal });
  const times = await told;
  const back = await eventually('a packet passes after the end', () => traffic.firstBack(), { signal });
  if (back < begun) throw new Error(`${name}: the first packet that passes was sent before the abort`);
  times.set('the first packet passes', back);
  for (const [step, at] of times) legs.set(step, at - begun);
  const gone = next((event) => of(event) && event.type === 'DELETED', signal);
  await Promise.all([gone, client.delete(chaosExperiments, ref, { signal })]);
  return back - begun;
}
