/** What a daemon would do, as people read it: every command and every ruleset. Pure. */
import type { PlanStep } from '@chaosplane/proto';

/** One step: the command, or the tool that works in the process, and below it what it is given. */
export function stepText({ tool, argv, input }: PlanStep): string {
  const how = argv.length === 0 ? `${tool} (in process)` : argv.join(' ');
  const lines = input.trimEnd() === '' ? [] : input.trimEnd().split('\n');
  return [how, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** All steps, each behind the other. */
export function planText(steps: readonly PlanStep[]): string {
  return steps.map(stepText).join('\n');
}

/** A text with every line moved to the right. */
export function indented(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => `${by}${line}`)
    .join('\n');
}
