/** Every hypothesis with every effect: what an experiment ends with. The same table for one machine and for a cluster. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from '@jest/globals';
import { systemClock } from '@chaosplane/common';
import type { ExperimentStatus } from '@chaosplane/api';

/** What is asked of the steady state, and what comes of it. */
export const hypotheses = ['none', 'passing', 'failing only during', 'failing after', 'impossible'] as const;
type Hypothesis = (typeof hypotheses)[number];

/** What is seen of the effect. */
export const effects = ['verified', 'no traffic', 'not observed'] as const;
type Effect = (typeof effects)[number];

/** How an experiment ends. */
export interface End {
  readonly phase: string;
  readonly verdict: string;
  readonly reason: string;
  readonly message: RegExp;
  readonly exitCode: number;
}

const nothing = 'the effect was verified on 0 of 1 targets: nothing in scope came by';
const notObserved: End = {
  ...{ phase: 'Failed', verdict: 'NotHeld', reason: 'EffectNotObserved', exitCode: 1 },
  message: /^no effect was seen: verified on 0 of 1 targets$/,
};
const noTraffic = (phase: string, message: RegExp): End => ({
  ...{ phase, verdict: 'Inconclusive', reason: 'NoTraffic', exitCode: 3 },
  message,
});

const ends: Readonly<Record<Hypothesis, Omit<Record<Effect, End>, 'not observed'>>> = {
  none: {
    verified: {
      ...{ phase: 'Completed', verdict: 'Inconclusive', reason: 'NoHypothesis', exitCode: 0 },
      message: /^no hypothesis was tested; the effect was verified on 1 of 1 targets$/,
    },
    'no traffic': noTraffic('Completed', new RegExp(`^${nothing}$`)),
  },
  passing: {
    verified: {
      ...{ phase: 'Completed', verdict: 'Held', reason: 'SteadyStateKept', exitCode: 0 },
      message:
        /^the effect was verified on 1 of 1 targets, and the steady state was kept: shop: (\d+) of \1 samples passed \(100%\)$/,
    },
    'no traffic': noTraffic('Completed', new RegExp(`^${nothing}$`)),
  },
  'failing only during': {
    verified: {
      ...{ phase: 'Completed', verdict: 'NotHeld', reason: 'ToleranceExceeded', exitCode: 1 },
      message:
        /^the steady state was not kept: shop: \d+ of \d+ samples passed \([\d.]+%\), and 100% were to \(.*503.*\)$/,
    },
    'no traffic': noTraffic('Completed', new RegExp(`^${nothing}$`)),
  },
  'failing after': {
    verified: {
      ...{ phase: 'Failed', verdict: 'NotHeld', reason: 'SteadyStateLost', exitCode: 1 },
      message: /^the steady state did not come back: .*503/,
    },
    'no traffic': noTraffic('Failed', new RegExp(`^${nothing}; the steady state did not come back: .*503`)),
  },
  impossible: {
    verified: {
      ...{ phase: 'Completed', verdict: 'Inconclusive', reason: 'NoValidSample', exitCode: 3 },
      message:
        /^it is not known whether the steady state was kept: shop: of \d+ samples \d+ could be taken: .*no series/,
    },
    'no traffic': noTraffic('Completed', new RegExp(`^${nothing}$`)),
  },
};

/** What an experiment of that cell ends with. */
function endOf(hypothesis: Hypothesis, effect: Effect): End {
  return effect === 'not observed' ? notObserved : ends[hypothesis][effect];
}

/** What every cell is to end with, by the name of its experiment. */
export function wantedEnds(): Record<string, unknown> {
  return Object.fromEntries(
    cells.map(({ hypothesis, effect, name }) => {
      const { message, ...end } = endOf(hypothesis, effect);
      return [name, { ...end, message: expect.stringMatching(message) }];
    }),
  );
}

/** Every cell, with a name for its experiment. */
export const cells = hypotheses.flatMap((hypothesis) =>
  effects.map((effect) => ({ hypothesis, effect, name: `${hypothesis} ${effect}`.replaceAll(' ', '-') })),
);

/** A `chaosplane run` that prints JSON. */
interface Running extends PromiseLike<{ readonly exitCode?: number | undefined }> {
  readonly stdout: Readable;
}

/** What a run says at its end; the application follows it until then. */
export async function endedRun(
  running: Running,
  application: Application,
  name: string,
): Promise<Record<string, unknown>> {
  let last: ExperimentStatus | undefined;
  for await (const line of createInterface({ input: running.stdout })) {
    const { status } = JSON.parse(line) as { status?: ExperimentStatus };
    if (status !== undefined) application.follow(name, (last = status));
  }
  const { exitCode } = await running;
  const held = last?.conditions.find(({ type }) => type === 'HypothesisHeld');
  const { phase, verdict, outcome } = last ?? {};
  return { phase, verdict, reason: held?.reason, told: held?.message, message: outcome?.message, exitCode };
}

/** What probes ask: an application that is well, or not, as the experiment goes on. */
export interface Application {
  /** The probes and the action of one cell. */
  spec(hypothesis: Hypothesis, effect: Effect, name: string): object;
  /** Tells it how far the experiment of that name is. */
  follow(name: string, status: Pick<ExperimentStatus, 'effectiveAt' | 'recoveringAt'>): void;
  /** Sends requests there again and again, whether they are answered or not. */
  call(url: string): void;
  close(): void;
}

const one = { status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [0, '1'] }] } };
const noSeries = { status: 'success', data: { resultType: 'vector', result: [] } };

/** Starts it; it is asked at `address`, an address of this machine. */
export async function startApplication(address: string): Promise<Application> {
  const states = new Map<string, 'before' | 'in force' | 'after'>();
  const server = createServer(({ url = '' }, response) => {
    const [, how = '', name = ''] = url.split(/[/?]/);
    const state = states.get(name) ?? 'before';
    const fails = (how === 'during' && state === 'in force') || (how === 'after' && state === 'after');
    if (how === 'impossible') response.end(JSON.stringify(state === 'in force' ? noSeries : one));
    else response.writeHead(fails ? 503 : 200).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, address, resolve);
  });
  const base = `http://${address}:${(server.address() as AddressInfo).port}`;
  const life = new AbortController();
  return {
    spec: (hypothesis, effect, name) => ({
      action: actionOf(effect),
      duration: '4s',
      steadyState: steadyStateOf(hypothesis, base, name),
    }),
    follow(name, { effectiveAt, recoveringAt }) {
      states.set(name, effectiveAt === undefined ? 'before' : recoveringAt === undefined ? 'in force' : 'after');
    },
    call(url) {
      void (async () => {
        while (!life.signal.aborted) {
          await fetch(url, { signal: AbortSignal.timeout(500) }).catch(() => undefined);
          await systemClock.sleep(100, life.signal).catch(() => undefined);
        }
      })();
    },
    close() {
      life.abort();
      server.closeAllConnections();
      server.close();
    },
  };
}

function actionOf(effect: Effect): object {
  switch (effect) {
    case 'verified':
      return { type: 'network-delay', parameters: { latency: '5ms' } };
    case 'no traffic':
      return { type: 'network-loss', parameters: { percent: '50', peers: '203.0.113.7' } };
    case 'not observed':
      return { type: 'network-loss', parameters: { percent: '0.001' } };
  }
}

function steadyStateOf(hypothesis: Hypothesis, base: string, name: string): object {
  const http = (how: string): object => ({ type: 'http', name: 'shop', url: `${base}/${how}/${name}` });
  const sampled = { interval: '200ms', timeout: '2s' };
  switch (hypothesis) {
    case 'none':
      return {};
    case 'passing':
      return { during: [{ ...http('always'), ...sampled }], after: [http('always')] };
    case 'failing only during':
      return { during: [{ ...http('during'), ...sampled }], after: [http('always')] };
    case 'failing after':
      return { before: [http('after')], after: [http('after')], recoveryTimeout: '1s' };
    case 'impossible': {
      const query = { type: 'prometheus', query: 'up', expect: { operator: '==', value: 1 } };
      return { during: [{ name: 'shop', url: `${base}/impossible/${name}`, ...query, ...sampled }] };
    }
  }
}
