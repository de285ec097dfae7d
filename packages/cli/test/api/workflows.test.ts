/** The Action and the workflows of GitHub: their form, by actionlint, and what it does not look at. */
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { parse } from 'yaml';
import { readAction, type Step } from '../action.ts';
import { actionlint } from '../actionlint.ts';

jest.setTimeout(60_000);

const ROOT = join(import.meta.dirname, '../../../..');
const WORKFLOWS = join(ROOT, '.github/workflows');

let folder: string;
let program: string;

beforeAll(async () => {
  program = await actionlint((line) => void process.stderr.write(`${line}\n`));
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-workflows-'));
}, 600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A job that uses the action. */
const use = (inputs: string, uses = './'): string =>
  `on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: ${uses}\n        id: chaos\n        with: ${inputs}\n` +
  '      - run: echo "$RESULT"\n        env:\n          RESULT: ${{ steps.chaos.outputs.result }}\n';

/** What actionlint has against this project: the workflows of this repository, the action, and a workflow that uses it. */
async function complaints(change: { action?: [string, string]; release?: [string, string]; use?: string }) {
  const project = await mkdtemp(join(folder, 'project-'));
  const workflows = join(project, '.github/workflows');
  await mkdir(workflows, { recursive: true });
  await cp(WORKFLOWS, workflows, { recursive: true });
  // It looks for the folder of a repository.
  await mkdir(join(project, '.git'));
  const write = async (from: string, to: string, [was, is]: [string, string] = ['', '']): Promise<void> => {
    const text = await readFile(from, 'utf8');
    expect(text).toContain(was);
    await writeFile(to, text.replace(was, is));
  };
  await write(join(ROOT, 'action.yml'), join(project, 'action.yml'), change.action);
  await write(join(WORKFLOWS, 'release.yml'), join(workflows, 'release.yml'), change.release);
  await writeFile(join(workflows, 'use.yml'), change.use ?? use('{ file: experiment.yaml }'));
  return (await execa(program, ['-no-color', '-shellcheck=', '-pyflakes='], { cwd: project, reject: false })).stdout;
}

test('actionlint has nothing against them', async () => {
  expect(await complaints({})).toBe('');
});

test.each([
  ['a job that does not give the file', { use: use('{ version: 0.1.0 }') }, /missing input "file"/],
  ['an input that there is not', { use: use('{ file: a.yaml, fail: no }') }, /input "fail" is not defined/],
  [
    'an output that there is not',
    { use: use('{ file: a.yaml }').replace('outputs.result', 'outputs.verdict') },
    /"verdict" is not defined/,
  ],
  ['an action of no kind', { action: ['using: composite', 'using: composed'] }, /composed/],
  ['a job that waits for none', { release: ['needs: images', 'needs: image'] }, /job "image"/],
  ['a right that there is not', { release: ['packages: write', 'package: write'] }, /"package"/],
  ['a matrix without that value', { release: ['matrix.image', 'matrix.images'] }, /"images" is not defined/],
] as const)('actionlint finds %s', async (_what, change, words) => {
  expect(await complaints(change as Parameters<typeof complaints>[0])).toMatch(words);
});

describe('what actionlint does not look at', () => {
  interface Workflow {
    readonly permissions: object;
    readonly jobs: Readonly<Record<string, { readonly permissions?: object; readonly steps: readonly Step[] }>>;
  }
  const steps: (readonly [string, Step])[] = [];
  const workflows: Workflow[] = [];

  beforeAll(async () => {
    for (const step of (await readAction()).runs.steps) steps.push(['action.yml', step]);
    for (const name of await readdir(WORKFLOWS)) {
      const workflow = parse(await readFile(join(WORKFLOWS, name), 'utf8')) as Workflow;
      workflows.push(workflow);
      for (const { steps: own } of Object.values(workflow.jobs)) for (const step of own) steps.push([name, step]);
    }
    expect(steps.length).toBeGreaterThan(15);
  });

  test('no expression stands in the text of a shell, and the text is one that bash reads', async () => {
    for (const [file, { run }] of steps) {
      if (run === undefined) continue;
      expect([file, run]).toEqual([file, expect.not.stringContaining('${{')]);
      await execa('bash', ['-n'], { input: run });
    }
  });

  test('what others made is named by its commit', () => {
    const names = steps.flatMap(([, { uses }]) => uses ?? []);
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((uses) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(uses))).toEqual([]);
  });

  test('a workflow has no right, and each of its jobs what it says', () => {
    for (const { permissions, jobs } of workflows) {
      expect(permissions).toEqual({});
      for (const job of Object.values(jobs)) expect(job.permissions).toBeDefined();
    }
  });

  test('the scripts of npm that they run are there', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = steps.flatMap(([, { run = '' }]) => [...run.matchAll(/npm (?:run ([\w:-]+)|(test))/g)]);
    expect(named.length).toBeGreaterThan(3);
    for (const [, script, testing] of named) expect(Object.keys(scripts)).toContain(script ?? testing);
  });
});
