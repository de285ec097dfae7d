/** Expressions of workflows: what they find, what they mean, and what is refused with its position. */
import { describe, expect, test } from '@jest/globals';
import { compileExpression, type ExpressionScope, type StepFacts } from './expression.ts';

const scope: ExpressionScope = {
  steps: ['slow', 'ok', 'wait'],
  parameters: [
    { name: 'most', type: 'duration' },
    { name: 'count', type: 'integer' },
    { name: 'strict', type: 'boolean' },
    { name: 'team', type: 'string' },
  ],
};
const parameters = { most: '300ms', count: 3, strict: true, team: 'shop' };
const slow: StepFacts = {
  phase: 'Succeeded',
  verdict: 'Held',
  attempts: 2,
  successRate: 99.5,
  p95: 250,
  timeToRecover: 1500,
};
const steps = { slow, ok: { phase: 'Succeeded', value: false }, wait: { phase: 'Skipped' } };

function evaluated(text: string): unknown {
  const expression = compileExpression(text, scope);
  if (!('evaluate' in expression)) return expression;
  const result = expression.evaluate({ steps, parameters });
  return 'value' in result ? result.value : result.error;
}

test.each([
  [`steps.slow.verdict == "Held"`, true],
  [`steps.slow.measured.p95 < duration("300ms")`, true],
  [`steps.slow.measured.p95 < parameters.most && steps.slow.measured.successRate >= 99.5`, true],
  [`steps.slow.timeToRecover > duration("2s")`, false],
  [`steps.ok.value`, false],
  [`steps["ok"].value || parameters.strict`, true],
  [`steps.slow.attempts == 2 && parameters.count / 2 == 1 && -7 % 3 == -1`, true],
  [`has(steps.wait.verdict)`, false],
  [`steps.wait.?verdict.orValue("none") == "none"`, true],
  [`parameters.team in ["shop", "cart"]`, true],
  [`["a", "b"].exists(x, parameters.team.startsWith(x))`, false],
  [`true || steps.wait.verdict == "Held"`, true],
  [`steps.wait.verdict == "Held"`, 'no such key: verdict'],
  [`steps.slow.measured.p50 < duration("1s")`, 'no such key: p50'],
])('%s is %j', (text, value) => expect(evaluated(text)).toEqual(value));

describe('it is refused, with its position', () => {
  test.each([
    ['steps.slow.verdict ==', 'unexpected token: EOF', 22],
    ['steps.fast.verdict == "Held"', 'no such key: fast', 7],
    ['steps.slow.verdit == "Held"', 'no such key: verdit', 12],
    ['parameters.strict && verdict == "Held"', 'unknown variable: verdict', 22],
    ['steps.slow.verdict', 'it is of the type string, not bool', 1],
    ['parameters.count == 3.0', 'no such overload: int == double', 1],
    [
      'parameters.team.matches("s.*")',
      'matches is not known here: regular expressions mean something else in each language; use contains, startsWith or endsWith',
      1,
    ],
    ['parameters.count < 9223372036854775808', 'an integer has 64 bits', 20],
  ])('%s', (text, wrong, column) => expect(compileExpression(text, scope)).toEqual({ wrong, column }));

  test('where it may cost too much', () => {
    const list = `[${Array.from({ length: 60 }, (_, index) => index).join(', ')}]`;
    const dear = `${list}.all(x, ${list}.all(y, x + y < 200))`;
    expect(compileExpression(dear, scope)).toMatchObject({ wrong: expect.stringContaining('and 10000 are the most') });
    expect(evaluated(`${list}.all(x, x < 100)`)).toBe(true);
  });
});
