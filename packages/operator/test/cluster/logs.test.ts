/** What `grep` finds of an experiment in the logs of operators and daemons: its whole story, in order, and no secret. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  sharedInstallation,
  isEffective,
  isOver,
  NAMESPACE,
  patient,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';

jest.setTimeout(240_000);

let shop: Installation;
const apps = ['web-1', 'web-2'] as const;
/** Of a Secret that a probe sends, and of a parameter of the action. */
const secrets = { probe: randomBytes(8).toString('hex'), parameter: randomBytes(8).toString('hex') };

beforeAll(async () => {
  shop = await sharedInstallation();
  await shop.addApps(...apps.map((name, index) => ({ name, node: `n${index + 1}`, labels: { tier: 'web' } })));
  const literal = `--from-literal=key=${secrets.probe}`;
  await create('secret', 'generic', 'probe', literal);
  // The operator may read no Secret by itself.
  await create('role', 'probe', '--verb=get', '--resource=secrets', '--resource-name=probe');
  await create('rolebinding', 'probe', '--role=probe', `--serviceaccount=${SYSTEM}:chaosplane-operator`);
}, 900_000);
afterAll(() => shop.close(), 60_000);

const create = (...argv: readonly string[]): Promise<string> =>
  shop.cluster.kubectl(['create', ...argv, '-n', NAMESPACE]);

interface Line {
  readonly time: number;
  readonly msg: string;
  readonly experiment?: string;
  readonly executionId?: string;
  readonly target?: string;
  readonly targets?: readonly string[];
  readonly node?: string;
  readonly phase?: string;
  readonly verdict?: string;
  readonly reason?: string;
  readonly endReason?: string;
}

/** Every line of the logs. */
async function logs(): Promise<string[]> {
  const printed = await Promise.all(
    ['operator', 'daemon'].map((component) =>
      shop.cluster.kubectl([
        ...['logs', '-n', SYSTEM, '-l', `app.kubernetes.io/component=${component}`],
        ...['--all-containers', '--tail=-1', '--max-log-requests=10'],
      ]),
    ),
  );
  return printed.flatMap((text) => text.split('\n'));
}

/** What `grep WORD` finds, in the order of time. */
async function grep(word: string): Promise<Line[]> {
  const lines = (await logs()).filter((line) => line.includes(word)).map((line) => JSON.parse(line) as RawLine);
  return lines.map((line) => ({ ...line, time: new Date(line.time).getTime() })).toSorted((a, b) => a.time - b.time);
}
type RawLine = Omit<Line, 'time'> & { readonly time: string | number };

/** The only line like that. */
function one(lines: readonly Line[], like: Partial<Line>): Line {
  const found = lines.filter((line) => Object.entries(like).every(([key, value]) => line[key as keyof Line] === value));
  expect([like, found]).toEqual([like, [expect.objectContaining(like)]]);
  return found[0]!;
}

test('grep for an experiment tells its steps in order: chosen, injected, aborted, recovered, and the verdict', async () => {
  const headers = [{ name: 'X-Key', valueFrom: { secretKeyRef: { name: 'probe', key: 'key' } } }];
  await shop.apply('story', {
    target: { labelSelector: { matchLabels: { tier: 'web' } }, mode: 'all' },
    action: {
      type: 'pod-http-abort',
      parameters: { port: 8080, statusCode: 503, headers: `X-Key: ${secrets.parameter}` },
    },
    steadyState: { before: [{ type: 'http', url: `http://${await shop.ipOf('web-1')}:8080/`, headers, retries: 3 }] },
    duration: '10m',
  });
  const begun = await shop.until('story', (object) => isEffective(object) || isOver(object));
  expect(begun.status).toMatchObject({ phase: 'Running', counts: { targets: 2, injected: 2 } });
  await shop.cluster.kubectl(['annotate', 'chaosexperiment', 'story', 'chaosplane.io/abort=true', '-n', NAMESPACE]);
  const { status } = await shop.until('story', isOver);
  expect(status).toMatchObject({ phase: 'Aborted', counts: { targets: 2, recovered: 2 } });

  const word = `${NAMESPACE}/story`;
  const told = await eventually('the end is in the log', () => grep(word), {
    ...patient,
    is: (lines) => lines.some(({ phase }) => phase === 'Aborted'),
  });
  const entered = (phase: string): Line => one(told, { msg: 'phase entered', phase });
  const chosen = entered('SteadyStateChecking');
  expect(chosen.targets?.toSorted()).toEqual(apps.map((name) => `${NAMESPACE}/${name}`));
  const steps = status!.targets!.map(({ name, node, executionId = '' }) => {
    const target = `${NAMESPACE}/${name}`;
    return {
      begun: one(told, { msg: 'execution active', executionId, target: `pod ${target}` }),
      injected: one(told, { msg: 'target injected', executionId, target, ...(node === undefined ? {} : { node }) }),
      ended: one(told, { msg: 'execution ended', executionId, target: `pod ${target}`, endReason: 'cancelled' }),
      recovered: one(told, { msg: 'target recovered', executionId, target }),
    };
  });
  expect(steps).toHaveLength(2);
  const asked = one(told, { msg: 'recovery asked for' });
  expect(entered('Recovering').reason).toMatch(/abort/);
  expect(entered('Aborted')).toMatchObject({ verdict: 'Inconclusive', reason: expect.stringMatching(/abort/) });
  for (const { begun, injected, ended, recovered } of steps) {
    const story = [
      chosen,
      entered('Running'),
      begun,
      injected,
      entered('Recovering'),
      ended,
      recovered,
      entered('Aborted'),
    ];
    expect(story.map(({ time }) => time)).toEqual(story.map(({ time }) => time).toSorted((a, b) => a - b));
    expect(asked.time).toBeGreaterThanOrEqual(entered('Recovering').time);
  }
  // The id of one execution finds both sides of it.
  const of = await grep(status!.targets![0]!.executionId ?? '-');
  expect(new Set(of.map(({ experiment }) => experiment))).toEqual(new Set([chosen.experiment]));
  expect(of.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['execution active', 'target injected', 'execution ended', 'target recovered']),
  );
  const everything = (await logs()).join('\n');
  for (const secret of Object.values(secrets)) expect(everything).not.toContain(secret);
});
