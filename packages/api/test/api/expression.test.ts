/** Expressions of workflows mean what they mean to a real API server, or are refused. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createKubeClient, type KubeClient } from '@chaosplane/kube';
import { loadCluster } from '@chaosplane/kube/config';
import { sharedControlPlane } from '@chaosplane/testcluster';
import { compileExpression } from '../../src/workflow/expression.ts';
import { askApiServer, type Answer, type Meaning } from './ask-api-server.ts';
import { parameters, refusedHere, same, steps, types } from './expressions.ts';
import { randomExpressions } from './random-expressions.ts';

jest.setTimeout(180_000);

const facts = { steps, parameters, types };

/** What it means here; it is evaluated twice, because a second time must not find what the first has left. */
function meaningHere(text: string): Meaning {
  const expression = compileExpression(text, { steps: Object.keys(steps), parameters: types });
  if (!('evaluate' in expression)) return 'refused';
  const [first, second] = [expression.evaluate(facts), expression.evaluate(facts)];
  expect(second).toEqual(first);
  return 'error' in first ? 'error' : first.value ? 'true' : 'false';
}

const told = [...Object.values(same), ...Object.values(refusedHere)].flat();
let client: KubeClient;
let answers: ReadonlyMap<string, Answer>;

beforeAll(async () => {
  const { kubeconfig } = await sharedControlPlane();
  client = createKubeClient(loadCluster({ kubeconfig }));
  answers = await ask(told.map(([text]) => text));
});

async function ask(texts: readonly string[]): Promise<ReadonlyMap<string, Answer>> {
  const found = await askApiServer(client, texts, facts);
  return new Map(texts.flatMap((text, index) => (found[index] === undefined ? [] : [[text, found[index]]])));
}

/** What it means to the API server; its words are shown where another meaning was told. */
function meaningThere(text: string, meaning: Meaning): string {
  const answer = answers.get(text);
  return answer?.meaning === meaning ? meaning : `${answer?.meaning}: ${answer?.message}`;
}

describe('it means the same here and in the API server', () => {
  test.each(Object.entries(same))('%s', (_of, table) => {
    for (const [text, meaning] of table)
      expect({ text, here: meaningHere(text), there: meaningThere(text, meaning) }).toEqual({
        ...{ text, here: meaning, there: meaning },
      });
  });
});

describe('what the API server knows besides is refused here', () => {
  test.each(Object.entries(refusedHere))('%s', (_of, table) => {
    for (const [text, meaning] of table)
      expect({ text, here: meaningHere(text), there: meaningThere(text, meaning) }).toEqual({
        ...{ text, here: 'refused', there: meaning },
      });
  });
});

/** `CHAOSPLANE_TEST_EXPRESSIONS` asks more of them. */
test('random ones that are not refused here mean the same there', async () => {
  const rounds = Math.ceil(Number(process.env['CHAOSPLANE_TEST_EXPRESSIONS'] ?? 400) / 400);
  let compared = 0;
  for (let seed = 1; seed <= rounds; seed += 1) {
    const here = new Map(randomExpressions(seed, 400).map((text) => [text, meaningHere(text)]));
    const texts = [...here].flatMap(([text, meaning]) => (meaning === 'refused' ? [] : [text]));
    const there = await ask(texts);
    for (const text of texts) {
      // What it may cost is estimated in another way there.
      if (there.get(text)?.meaning === 'too dear') continue;
      compared += 1;
      expect({ text, ...there.get(text) }).toMatchObject({ text, meaning: here.get(text) });
    }
  }
  expect(compared).toBeGreaterThan(rounds * 100);
});
