/** A file means what it means to kubectl, or is refused: the tables are what kubectl was seen to read. */
import { describe, expect, test } from '@jest/globals';
import { parseExperiments } from '../documents.ts';
import { objectsOf } from './objects.ts';
import { named, values } from './readings.ts';
import { scalars } from './scalars.ts';
import { streams } from './streams.ts';

const specsOf = (text: string): unknown[] => objectsOf('F', Buffer.from(text)).map(({ value }) => value['spec']);
const refusal = (work: () => unknown): string => {
  try {
    return `accepted: ${JSON.stringify(work())}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

describe('a file is read as kubectl reads it', () => {
  test.each(scalars)('%j is %j', (text, value) => {
    expect(specsOf(named('a', `  v: ${text}\n`))).toEqual([{ v: value }]);
  });

  const readings = [...values, ...streams].map(([what, text, kubectl, here]) => ({ what, text, kubectl, here }));
  test.each(readings)('$what', ({ text, kubectl, here }) => {
    if (here === undefined) expect(specsOf(text)).toEqual(kubectl);
    else expect(refusal(() => specsOf(text))).toContain(here);
  });

  test.each<[string, Uint8Array, string]>([
    ['UTF-16', Buffer.from(named('a'), 'utf16le'), 'line 1: '],
    ['Latin-1', Buffer.from(named('a', '  v: \u00e9\n'), 'latin1'), 'line 1: it is not UTF-8'],
    ['a nest without end', Buffer.from(named('a', `  v: ${'['.repeat(20_000)}\n`)), 'F is not valid: line'],
    ['aliases of aliases', Buffer.from(laughter()), 'its aliases stand for too much'],
  ])('and is refused when it is %s', (_what, bytes, said) => {
    expect(refusal(() => objectsOf('F', bytes))).toContain(said);
  });

  test('a refusal names the line', () => {
    const text = `# two experiments\n${named('a')}---\n${named('b', '  v: 1\n  v: 2\n')}`;
    expect(refusal(() => specsOf(text))).toContain('line 15: the key "v" is there twice');
  });
});

/** Each level ten times the one before. */
function laughter(): string {
  const levels = Array.from({ length: 6 }, (_, level) =>
    level === 0
      ? 'l0: &l0 [1]'
      : `l${level}: &l${level} [${Array(10)
          .fill(`*l${level - 1}`)
          .join(', ')}]`,
  );
  return `${levels.join('\n')}\n`;
}

describe('the experiments of a file', () => {
  const spec = 'target: { names: [a] }, action: { type: network-partition }, duration: 1s';
  const one = (metadata: string, more = ''): string =>
    `apiVersion: chaos.chaosplane.io/v1alpha1\nkind: ChaosExperiment\nmetadata: { ${metadata} }\nspec: { ${spec}${more} }\n`;
  const parse = (text: string, changes = {}) => parseExperiments('F', Buffer.from(text), { place: 'cluster', changes });

  test('get the namespace and the duration of the flags', () => {
    const text = `${one('name: x')}---\n${one('name: z, namespace: shop')}`;
    const found = parse(text, { defaultNamespace: 'cart', duration: '5s' });
    expect(found.map(({ experiment }) => experiment.metadata.namespace)).toEqual(['cart', 'shop']);
    expect(found.map(({ experiment }) => experiment.spec.duration)).toEqual([5000, 5000]);
    expect(found[0]?.document).toMatchObject({ metadata: { namespace: 'cart' }, spec: { duration: '5s' } });
  });

  test.each<[string, string, object, string]>([
    [
      'another namespace than was asked for',
      one('name: x, namespace: shop'),
      { namespace: 'cart' },
      'the file says "shop", and --namespace "cart"',
    ],
    [
      'a misspelt namespace',
      one('name: x, nmespace: shop'),
      {},
      'metadata: "nmespace" is not known here; did you mean namespace?',
    ],
    [
      'a label that is no text',
      one('name: x, labels: { a: yes }'),
      {},
      'metadata.labels.a: true is no text; allowed: a text: put it in quotes',
    ],
    [
      'an annotation without a value',
      one('name: x, annotations: { a: }'),
      {},
      'metadata.annotations.a: it has no value',
    ],
    ['a name that is made up by the server', one('generateName: x-'), {}, 'metadata.generateName: a run needs a name'],
    ['a name that is a number', one('name: 123'), {}, 'metadata.name: it is a number; allowed: a text'],
    ['nothing', '---\n# nothing\n', {}, 'F holds no experiment'],
    ['a duration that is none', one('name: x'), { duration: 'soon' }, '--duration: "soon" is not a duration'],
    [
      'a word that is a truth',
      one('name: x', ', execution: { onMissed: no }'),
      {},
      'spec.execution.onMissed: it is true or false',
    ],
    [
      'two problems in two documents',
      `${one('name: x', ', a: 1')}---\n${one('name: Z')}`,
      {},
      'line 1, spec: "a" is not known here',
    ],
    [
      'the second of them',
      `${one('name: x', ', a: 1')}---\n${one('name: Z')}`,
      {},
      'line 6, metadata.name: "Z" is not a name',
    ],
  ])('are refused with %s', (_what, text, changes, said) => {
    expect(refusal(() => parse(text, changes))).toContain(said);
  });

  test('take lists and maps where they mean one thing', () => {
    const text = (parameters: string, type = 'network-partition') =>
      one('name: x').replace('type: network-partition', `type: ${type}, parameters: ${parameters}`);
    const parameters = (source: string, type?: string) =>
      parse(text(source, type))[0]?.experiment.spec.action.parameters;
    expect(parameters('{ peers: [10.0.0.1, db.shop], ports: [80, 443, 9000-9010], interface: [eth0] }')).toEqual({
      peers: '10.0.0.1,db.shop',
      ports: '80,443,9000-9010',
      interface: 'eth0',
    });
    const http = '{ port: 80, delay: 1s, method: [GET, POST], headers: { X-User: test, Accept: "*/*" } }';
    expect(parameters(http, 'pod-http-delay')).toMatchObject({
      method: 'GET,POST',
      headers: 'X-User: test\nAccept: */*',
    });
    expect(parameters('{ port: 80, delay: 1s, headers: ["X-User: test", "A: b"] }', 'pod-http-delay')).toMatchObject({
      headers: 'X-User: test\nA: b',
    });
    // YAML 1.1: what kubectl sends is true, and what was meant by it as well.
    expect(parameters('{ spareProbes: no }')).toEqual({ spareProbes: 'false' });
  });
});
