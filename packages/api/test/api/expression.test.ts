/** Expressions of workflows mean what they mean to a real API server, or are refused. */
import { describe, expect, jest, test, beforeAll } from '@jest/globals';
import { compileExpression } from '@chaosplane/api';
import { createKubeClient, loadCluster } from '@chaosplane/kube';
import { sharedControlPlane } from '@chaosplane/testcluster';
import { askApiServer, type Answer, type Meaning } from './ask-api-server.ts';
import { parameters, refusedHere, same, steps, types } from './expressions.ts';

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
let answers: ReadonlyMap<string, Answer>;

beforeAll(async () => {
  const { kubeconfig } = await sharedControlPlane();
  const texts = told.map(([text]) => text);
  const found = await askApiServer(createKubeClient(loadCluster({ kubeconfig })), texts, facts);
  answers = new Map(texts.flatMap((text, index) => (found[index] === undefined ? [] : [[text, found[index]]])));
});

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
