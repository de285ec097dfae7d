/** Trials of HTTP and DNS faults: requests that a client makes, and names that the target asks for. */
import { expect } from '@jest/globals';
import { NAMESPACE } from '@chaosplane/testcluster/installation';
import { CALLER, podNamed, TARGET_NODE } from './places.ts';
import { measured, trial } from './trial.ts';

const DELAY_MS = 300;
const STATUS = 503;

const delay = trial(({ shop }) =>
  measured({
    target: podNamed('waiting'),
    node: TARGET_NODE,
    parameters: { port: 8080, delay: `${DELAY_MS}ms` },
    residue: () => shop.print('waiting'),
    async measure() {
      const [outcome] = await shop.probe(CALLER, [`http://${await shop.ipOf('waiting')}:8080/`]);
      expect(outcome).toMatchObject({ sent: 5, answered: 5 });
      return outcome?.medianMs ?? Number.NaN;
    },
    felt(now, before) {
      expect(now - before).toBeGreaterThan(0.9 * DELAY_MS);
      expect(now - before).toBeLessThan(2 * DELAY_MS);
    },
    back: (after, before) => expect(after - before).toBeLessThan(DELAY_MS / 2),
  }),
);

const abort = trial(({ shop }) =>
  measured({
    target: podNamed('failing'),
    node: TARGET_NODE,
    parameters: { port: 8080, statusCode: STATUS, path: '/orders/*', method: ['GET'] },
    residue: () => shop.print('failing'),
    async measure() {
      const url = `http://${await shop.ipOf('failing')}:8080`;
      const paths = ['/orders/7', '/'];
      return Promise.all(
        paths.map(async (path) => {
          const answer = await fetch(`${url}${path}`, { headers: { connection: 'close' } });
          await answer.arrayBuffer();
          return answer.status;
        }),
      );
    },
    felt(now, before) {
      expect(before).toEqual([200, 200]);
      expect(now).toEqual([STATUS, 200]);
    },
    back: (after) => expect(after).toEqual([200, 200]),
  }),
);

const dns = trial(({ shop }) =>
  measured({
    target: podNamed('nameless'),
    node: TARGET_NODE,
    parameters: { domains: `${CALLER}.${NAMESPACE}` },
    residue: () => shop.print('nameless'),
    /** Of the name that fails, and of one that does not: how many requests to it are answered, and what the resolver says. */
    async measure() {
      const urls = [`http://${CALLER}.${NAMESPACE}/`, `http://failing.${NAMESPACE}/`];
      const outcomes = await shop.probe('nameless', urls);
      return outcomes.map(({ answered, error = '' }) => ({ answered, why: /no such host/.exec(error)?.[0] }));
    },
    felt(now, before) {
      expect(before).toEqual([{ answered: 5 }, { answered: 5 }]);
      expect(now).toEqual([{ answered: 0, why: 'no such host' }, { answered: 5 }]);
    },
    back: (after, before) => expect(after).toEqual(before),
  }),
);

/** The pods that they hit, on TARGET_NODE. */
export const requestPods = ['waiting', 'failing', 'nameless'] as const;

export const requestTrials = {
  'pod-http-delay': delay,
  'pod-http-abort': abort,
  'pod-dns-error': dns,
} as const;
