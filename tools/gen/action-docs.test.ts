import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { catalogue } from '@chaosplane/actions';
import { parseExperiment } from '@chaosplane/api';
import { actionDocs, staleActionDocs } from './action-docs.ts';

test('docs/actions is what the catalogue says; otherwise npm run gen was forgotten', async () => {
  expect(await staleActionDocs(join(import.meta.dirname, '..', '..'))).toEqual([]);
});

test('a folder without pages is stale in all of them', async () => {
  const stale = await staleActionDocs(join(import.meta.dirname, 'no-such-folder'));
  expect(stale).toHaveLength(catalogue.length + 1);
});

test.each(catalogue)('the page of $name names every parameter and has a complete example', (action) => {
  const page = actionDocs().get(`${action.name}.md`) ?? '';
  for (const name of Object.keys(action.schemas)) expect(page).toContain(`| \`${name}\``);
  for (const [key, value] of Object.entries(action.example)) expect(page).toContain(`${key}: ${JSON.stringify(value)}`);
  expect(page).not.toContain('undefined');
  const [, example = ''] = /```yaml\n([^`]*)```/.exec(page) ?? [];
  expect(() => parseExperiment(parse(example), 'cluster')).not.toThrow();
});
