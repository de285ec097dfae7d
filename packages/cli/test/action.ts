/** The GitHub Action of this repository, and its steps as a runner of GitHub carries them out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');

/** A step of an action or a workflow; one of both is there. */
export interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

/** action.yml, parsed. */
export async function readAction(): Promise<Action> {
  return parse(await readFile(join(ROOT, 'action.yml'), 'utf8')) as Action;
}

/** What came of it. */
export interface ActionRun {
  readonly exitCode: number | undefined;
  readonly log: string;
  /** By the names of the action's outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/**
 * Runs the shell steps of the action in the folder `workspace`: inputs in their environment, `bash --noprofile --norc -eo pipefail FILE`
 * (https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell), and the files for outputs and the
 * summary. `uses` steps are left out: Node.js is there.
 */
export async function runAction(
  inputs: Readonly<Record<string, string>>,
  { workspace, env }: { workspace: string; env: Readonly<Record<string, string>> },
): Promise<ActionRun> {
  const action = await readAction();
  const given: Readonly<Record<string, string | undefined>> = {
    ...Object.fromEntries(Object.entries(action.inputs).map(([name, input]) => [name, input.default])),
    ...inputs,
  };
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-action-'));
  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') };
  try {
    for (const file of Object.values(files)) await writeFile(file, '');
    let log = '';
    let exitCode: number | undefined = 0;
    for (const { run, env: asked = {} } of action.runs.steps) {
      if (run === undefined || exitCode !== 0) continue;
      await writeFile(join(folder, 'step.sh'), run);
      const own = Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, evaluated(value, given)]));
      const argv = ['--noprofile', '--norc', '-eo', 'pipefail', join(folder, 'step.sh')];
      const surroundings = { ...env, ...files, ...own, RUNNER_TEMP: folder, NODE_OPTIONS: '' };
      const ended = await execa('bash', argv, { cwd: workspace, env: surroundings, reject: false, all: true });
      log += ended.all;
      ({ exitCode } = ended);
    }
    const said = (await readFile(files.GITHUB_OUTPUT, 'utf8')).split('\n').filter((line) => line !== '');
    const outputs = Object.fromEntries(said.map((line) => line.split('=') as [string, string]));
    return { exitCode, log, outputs, summary: await readFile(files.GITHUB_STEP_SUMMARY, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `${{ inputs.NAME }}` alone is understood. */
function evaluated(value: string, inputs: Readonly<Record<string, string | undefined>>): string {
  const name = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value)?.[1];
  const text = name === undefined ? undefined : inputs[name];
  if (text === undefined) throw new Error(`the runner of the tests cannot evaluate ${value}`);
  return text;
}
