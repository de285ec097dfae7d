/** The laws that every fault obeys, regardless of its parameters; the kernel tests hold them against a real kernel. */
import { catalogue, findByRoute, parseParameters } from '@chaosplane/actions';
import { ChaosError, systemClock, type Clock } from '@chaosplane/common';
import { FakeNode, networkScopes, optionPeers, ownParameters, startTestEngine } from '@chaosplane/testkit';
import { describe, expect, jest, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Engine } from '../engine/engine.ts';
import type { InjectionResult } from '../engine/inject.ts';
import type { ExecRequest } from '../engine/request.ts';
import { faultOf } from './registry.ts';

// Many random runs each: a busy machine takes longer than jest waits by itself.
jest.setTimeout(60_000);

/** What the daemon carries out; the rest of the catalogue is the operator's. */
const actions = catalogue.flatMap(({ route, ...action }) => (route.on === 'daemon' ? [{ ...action, route }] : []));

/** The names of all their parameters. */
const parameterNames = [...new Set(actions.flatMap(({ schemas }) => Object.keys(schemas)))];

/** A valid request for any of some actions; of an action whose parameters are not varied, its example is taken. */
const requestFor = (some: readonly (typeof actions)[number][]): fc.Arbitrary<ExecRequest> =>
  fc.constantFrom(...some).chain(({ name, route, schemas, example }) => {
    const parameters = ownParameters[name] ?? fc.constant({ ...example });
    const pod = 'podName' in schemas ? { podName: 'web' } : {};
    const ofNetwork = 'peers' in schemas;
    return fc
      .tuple(parameters, ofNetwork ? networkScopes : fc.constant({}), ofNetwork ? optionPeers : fc.constant([]))
      .map(([values, scope, peers]) => ({
        rpc: route.rpc,
        wireAction: route.wireAction,
        experimentId: 'laws',
        parameters: { ...pod, ...scope, ...values },
        options: { operatorEpoch: 0, dryRun: false, peers },
      }));
  });

const anyRequest = requestFor(actions);
const undoable = requestFor(actions.filter(({ recover }) => recover === 'undo'));
const once = requestFor(actions.filter(({ recover }) => recover === 'one-shot'));

/** No time passes here; the fake node survives its restart, which waits this long for its own end. */
const after: Clock['after'] = (ms, fire) => {
  if (ms !== 120_000) return systemClock.after(ms, fire);
  queueMicrotask(fire);
  return { cancel: () => undefined };
};

async function startNode(): Promise<{ node: FakeNode; engine: Engine }> {
  const node = new FakeNode();
  node.addPod('web');
  node.names.set('db.test', ['10.1.2.3', 'fd00::3']).set('cache.test.', ['10.1.2.4']);
  const engine = await startTestEngine({
    host: node.host(),
    // A turn of the loop, and not none: what looks again and again would leave nothing else a turn.
    clock: { ...systemClock, sleep: async () => nextTurn(), after },
    config: { node: { allowNodeRestart: true } },
  });
  return { node, engine };
}

const idOf = (injection: InjectionResult): string => (injection.kind === 'planned' ? '' : injection.record.id);

/** Several different faults on one pod, and an order in which to cancel them. */
const several = fc
  .uniqueArray(undoable, { minLength: 1, maxLength: 5, selector: (request) => JSON.stringify(request) })
  .chain((requests) =>
    fc.tuple(
      fc.constant(requests),
      fc.shuffledSubarray([...requests.keys()], { minLength: requests.length, maxLength: requests.length }),
    ),
  );

/** What a fault says that it will do. */
function effectOf(action: string, spec: unknown): unknown {
  const fault = faultOf(action);
  switch (fault.driver) {
    case 'network':
      return fault.layer(spec, { id: 'l1', peers: [] });
    case 'proxy':
      return fault.rule(spec, { id: 'l1', dns: { servers: ['10.96.0.10'], searches: [], ndots: 1 } });
    case 'process': {
      const facts = {
        place: 'container',
        memoryLimitBytes: 2 ** 30,
        nodeMemoryBytes: 2 ** 33,
        nodeFreeBytes: 2 ** 32,
        oomKillsAll: false,
      } as const;
      return [fault.target(spec), fault.stress(spec, facts)];
    }
    case 'one-shot':
      return [fault.target(spec), fault.steps(spec, { kind: 'node', nodeName: 'node-1' })];
  }
}

describe('every fault', () => {
  test('plans the same for the same spec', () => {
    fc.assert(
      fc.property(anyRequest, ({ rpc, wireAction, parameters }) => {
        const action = findByRoute(rpc, wireAction, parameters);
        const spec = parseParameters(action, parameters, { target: 'required' });
        expect(effectOf(action.name, spec)).toEqual(effectOf(action.name, spec));
      }),
    );
  });

  test('applied and undone, in any company and any order, leaves what was there before', async () => {
    await fc.assert(
      fc.asyncProperty(several, async ([requests, order]) => {
        const { node, engine } = await startNode();
        const before = node.print();
        const ids: string[] = [];
        for (const request of requests) ids.push(idOf(await engine.exec(request)));
        for (const index of order) await engine.cancel(ids[index] ?? '');
        expect(node.print()).toBe(before);
        await engine.stop();
      }),
      { numRuns: 40 },
    );
  });

  test('undone twice is undone once, and applied twice is applied once', async () => {
    await fc.assert(
      fc.asyncProperty(undoable, async (request) => {
        const { node, engine } = await startNode();
        const before = node.print();
        const first = await engine.exec(request);
        const applied = node.print();
        expect((await engine.exec(request)).kind).toBe('joined');
        expect(node.print()).toBe(applied);
        await engine.cancel(idOf(first));
        await engine.cancel(idOf(first));
        expect(node.print()).toBe(before);
        await engine.stop();
      }),
      { numRuns: 30 },
    );
  });

  test('that happens once is over when it has happened, and under its key it never happens again', async () => {
    await fc.assert(
      fc.asyncProperty(once, async (request) => {
        const { node, engine } = await startNode();
        try {
          const keyed = { ...request, options: { ...request.options, idempotencyKey: 'laws' } };
          const first = await engine.exec(keyed);
          expect(first.kind === 'injected' && first.record).toMatchObject({ state: 'ended', endReason: 'done' });
          const after = [node.print(), node.processes.restarts, node.processes.signals.length];
          expect(engine.live()).toEqual([]);
          await engine.cancel(idOf(first));
          const second = await engine.exec(keyed);
          expect([second.kind, idOf(second)]).toEqual(['joined', idOf(first)]);
          expect([node.print(), node.processes.restarts, node.processes.signals.length]).toEqual(after);
        } finally {
          await engine.stop();
        }
      }),
      { numRuns: 30 },
    );
  });

  test('that goes leaves the rules of the others as they were', async () => {
    await fc.assert(
      fc.asyncProperty(several, async ([requests, order]) => {
        const { node, engine } = await startNode();
        const ids: string[] = [];
        for (const request of requests) ids.push(idOf(await engine.exec(request)));
        const linesOf = (id: string): string[] => {
          const own_ = `l${id.slice(id.lastIndexOf('-') + 1)}`;
          return (
            node
              .print()
              .split('\n')
              .filter((line) => line.includes(own_))
              // A copier that goes takes a chain with it, through which the others were entered.
              .toSorted()
          );
        };
        for (const [done, index] of order.entries()) {
          const left = order.slice(done + 1).map((position) => ids[position] ?? '');
          const before = left.map(linesOf);
          await engine.cancel(ids[index] ?? '');
          expect(left.map(linesOf)).toEqual(before);
        }
        await engine.stop();
      }),
      { numRuns: 30 },
    );
  });

  test('puts nothing into a ruleset or a command that was not parsed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...parameterNames, 'x'), fc.string()),
        fc.constantFrom(...actions),
        async (wild, { route, schemas }) => {
          const { engine } = await startNode();
          const options = { operatorEpoch: 0, dryRun: true, peers: [] };
          const request = {
            rpc: route.rpc,
            wireAction: route.wireAction,
            experimentId: 'laws',
            parameters: { ...('podName' in schemas ? { podName: 'web' } : {}), ...wild },
            options,
          };
          try {
            const planned = await engine.exec(request);
            for (const step of planned.kind === 'planned' ? planned.steps : []) {
              for (const word of step.argv) expect(word).toMatch(/^[a-zA-Z0-9._/,-]*$/);
              if (step.tool !== 'queue' && step.tool !== 'proxy')
                expect(step.input).toMatch(/^[a-zA-Z0-9 \n{}@:;.,_/&|!<>="-]*$/);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(ChaosError);
            expect(['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'NOT_FOUND']).toContain((error as ChaosError).code);
          } finally {
            await engine.stop();
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
