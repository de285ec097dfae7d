/** What `chaosplane run -o json` tells of the end of a workflow. */
import type { NodeState } from '@chaosplane/api';
import { defined } from '@chaosplane/common';
import type { WorkflowEnd } from './expected.ts';

/** Its last line. */
export interface Result {
  readonly phase: string;
  readonly verdict?: string;
  readonly steps: Readonly<Record<string, NodeState>>;
}

/** With the exit code. */
export interface Ended {
  readonly exitCode: number | undefined;
  readonly result: Result;
}

/** Resolves when the command has ended. */
export async function ended(
  run: PromiseLike<{ readonly stdout: string; readonly exitCode?: number | undefined }>,
): Promise<Ended> {
  const { stdout, exitCode } = await run;
  return { exitCode, result: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result };
}

/** What became of a workflow, as the constants beside the files say it. */
export function endOf({ exitCode, result }: Ended, { begins, ends }: WorkflowEnd): WorkflowEnd {
  const steps = Object.entries(result.steps).map(([id, { phase, attempt, result: found }]) => [
    id,
    { phase, attempts: attempt, ...defined({ verdict: found?.verdict, value: found?.value }) },
  ]);
  const over = (id: string): number => result.steps[id]?.endedAt ?? NaN;
  const begun = (id: string): number => result.steps[id]?.startedAt ?? NaN;
  return {
    ...{ phase: result.phase, verdict: result.verdict ?? '', exitCode: exitCode ?? -1 },
    steps: Object.fromEntries(steps),
    begins: begins.filter(([before, after]) => over(before) <= begun(after)),
    ends: ends.filter(([first, second]) => over(first) <= over(second)),
  };
}
