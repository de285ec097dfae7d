/** What a real API server and kubectl make of the descriptions in the resource definitions. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { catalogue, TARGET_KEYS, toldParameters } from '@chaosplane/actions';
import { eventually } from '@chaosplane/testkit/eventually';
import { openApiServerFixture, type ApiServerFixture } from './stage.ts';

let fixture: ApiServerFixture;
let lines: readonly string[];

beforeAll(async () => {
  fixture = await openApiServerFixture();
  // The API server publishes a definition's OpenAPI document some time after the definition is Established.
  const printed = await eventually('kubectl explains experiments', () => explained().catch(() => undefined), {
    withinMs: 60_000,
    everyMs: 500,
  });
  lines = printed.split('\n').map((line) => line.trimEnd());
}, 600_000);
afterAll(() => fixture.close(), 60_000);

function explained(): Promise<string> {
  return fixture.cluster.kubectl(['explain', 'chaosexperiment.spec.action.parameters']);
}

/** What is printed of an action: up to the next empty line, as one line. */
function printedOf(name: string): string {
  const begin = lines.findIndex((line) => line.trimStart().startsWith(`${name} (`) || line.includes(`${name}, `));
  const block = lines.slice(begin, lines.indexOf('', begin) < 0 ? undefined : lines.indexOf('', begin));
  return block.map((line) => line.trim()).join(' ');
}

test.each(catalogue)('kubectl explain tells the parameters of $name, their defaults and what is allowed', (action) => {
  const printed = printedOf(action.name);
  expect(printed).toContain(`(${action.targetKind}): ${action.summary}`);
  const told = toldParameters(action).filter(({ name }) => !TARGET_KEYS.includes(name));
  for (const { name, aliases, default: initial, required, allowed } of told) {
    const given = initial === undefined ? (required ? 'required' : 'optional') : `default ${initial}`;
    expect(printed).toContain(` ${[name, ...aliases].join(', ')} (${given}): ${allowed}`);
  }
  expect(printed.match(/\((?:required|optional|default [^)]+)\): /g) ?? []).toHaveLength(told.length);
});

test('kubectl keeps the lines as they are: each fits, and what goes on is indented further than where it began', () => {
  const description = lines.slice(lines.findIndex((line) => line.startsWith('DESCRIPTION')) + 1);
  expect(description.filter((line) => line.length > 80)).toEqual([]);
  const begun = /^ {4}(?:\S.*|  \S.* \((?:required|optional|default \S+)\): .*|  no parameters)$/;
  const actions = description.slice(description.findIndex((line) => line.includes(catalogue[0]?.name ?? '')));
  expect(actions.filter((line) => line !== '' && !begun.test(line) && !/^ {8}\S/.test(line))).toEqual([]);
});
