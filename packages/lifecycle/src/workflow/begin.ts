/** How steps of a workflow begin. */
import { stateOf, type NodeId, type Question } from '@chaosplane/api';
import { fail, note, nodeOf, settle, type Turning } from './settle.ts';

/** A step begins whose dependencies are over, or is skipped. */
export function begin(turning: Turning, id: NodeId): void {
  const { state, frontier, seen, now } = turning;
  const { step, dependencies, parts } = nodeOf(turning, id);
  const cut = dependencies.find((before) => stateOf(state, before).isCut === true);
  if (cut !== undefined) {
    settle(turning, id, { phase: 'Skipped', message: `${cut} leads no further`, isCut: true });
    return;
  }
  if (step.when !== undefined) {
    const asked = seen.evaluate(step.when, id);
    if ('error' in asked) {
      note(turning, id, { attempt: 1, startedAt: now });
      giveUp(turning, id, `when: ${asked.error}`);
      return;
    }
    if (!asked.value) {
      settle(turning, id, { phase: 'Skipped', message: 'when was false' });
      return;
    }
  }
  note(turning, id, { phase: 'Running', attempt: 1, startedAt: now });
  frontier.begun(id);
  if (step.kind === 'condition') decide(turning, id, step.question);
  else if (parts.length > 0) frontier.open(parts);
  else if (step.kind === 'parallel' || step.kind === 'workflow') settle(turning, id, { phase: 'Succeeded' });
}

/** What is wrong with an expression is wrong again: it is not tried a second time. */
function giveUp(turning: Turning, id: NodeId, message: string): void {
  fail(turning, id, { message, isFinal: true });
}

/** One that is false leads no further: the steps behind it are skipped. */
function decide(turning: Turning, id: NodeId, question: Question): void {
  const asked = turning.seen.evaluate(question, id);
  if ('error' in asked) giveUp(turning, id, asked.error);
  else if (asked.value) settle(turning, id, { phase: 'Succeeded', result: { value: true } });
  else settle(turning, id, { phase: 'Succeeded', message: 'it is false', result: { value: false }, isCut: true });
}
