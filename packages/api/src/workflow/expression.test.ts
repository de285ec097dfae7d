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
    ['true && has(steps.slow.verdit)', 'no such key: verdit', 24],
    ['steps.slow.?verdit.orValue("none") == "none"', 'no such key: verdit', 13],
    ['steps[parameters.team].phase == "Failed"', 'a step is named by a text in quotes', 1],
    ['steps["fast"].phase == "Failed"', 'no such key: fast', 7],
    ['steps.slow["phase"] == "Failed"', 'a field is named behind a point: steps.slow.verdict', 1],
    ['[1].all(steps, steps == 1)', 'steps has a meaning already', 9],
    ['[].all(x, x == 1)', 'an empty list has nothing to ask about', 1],
    ['steps.slow.verdict == null', 'nothing is null here: ask has(…) whether it is there', 23],
    ['true || {"a": 1}["a"] == 1', 'maps are not known here', 9],
    ['1u == 1u', 'bytes and unsigned integers are not known here', 1],
    ['r"\\n" == "a"', 'a raw text with \\ is not known here', 1],
    ['"""a""" == "a"', 'a text has one quote at each end', 1],
    ['parameters.team < "z"', 'texts have no order here: it is another one in each language', 1],
    ['(0 - parameters.count) / parameters.count == 1', 'of what is computed, / has a number on its right', 2],
    ['-(parameters.count + 1) < 0', 'write 0 - … of what is computed', 1],
    ['parameters.count + 1 < 2.5', 'an integer that is computed is compared with integers, or as double(…)', 1],
    ['steps.slow.measured.successRate / 0.0 > 1.0', 'with /, a double has a number other than 0 on its right', 1],
    ['1.0 > 2.0 / steps.slow.measured.successRate', 'with /, a double has a number other than 0 on its right', 7],
    ['1e100 * 1e101 > 1.0', 'its doubles may get too large together', 1],
    ['double("1") == 1.0', 'double is of an integer, not of string', 1],
    ['[1].all(x, [x] + [x] == [x])', 'in a macro, nothing is put together: how long it gets is not known', 12],
    ['duration(parameters.team) == parameters.most', 'duration is of a text in quotes', 10],
    ['duration("2401h") == parameters.most', 'a duration is at most 2400h long', 10],
    ['duration("0.1us") == parameters.most', 'it is finer than a microsecond', 10],
  ])('%s', (text, wrong, column) => expect(compileExpression(text, scope)).toEqual({ wrong, column }));

  test('where it may cost too much', () => {
    const list = `[${Array.from({ length: 60 }, (_, index) => index).join(', ')}]`;
    const dear = `${list}.all(x, ${list}.all(y, x + y < 200))`;
    expect(compileExpression(dear, scope)).toMatchObject({ wrong: expect.stringContaining('and 10000 are the most') });
    expect(evaluated(`${list}.all(x, x < 100)`)).toBe(true);
  });

  test('where lists of lists, and lists that were made, are gone through in each other', () => {
    const list = `[${Array.from({ length: 50 }, (_, index) => index).join(', ')}]`;
    const dear = [
      `${list}.map(x, x + 1).all(x, ${list}.map(y, y + 1).all(y, x + y < 200))`,
      `${list}.filter(x, x > 1).exists(x, ${list}.filter(y, y > x).exists_one(y, y == x))`,
      `[${list}, ${list}].all(x, x.all(y, x.all(z, y < z)))`,
      `(${list} + ${list}).all(x, (${list}).all(y, x < y))`,
    ];
    for (const text of dear) {
      const problem = { wrong: expect.stringMatching(/^it may take \d+ steps, and 10000 are the most$/), column: 1 };
      expect(compileExpression(text, scope)).toEqual(problem);
    }
    expect(evaluated('[1, 2, 3].map(x, x + 1).all(x, [1, 2].filter(y, y > 1).all(y, x >= y))')).toBe(true);
  });

  test('and functions that are not known, with those that are', () => {
    const wrong = `charAt is not known here; known are has, size, duration, double, all, exists, exists_one, filter, map, contains, startsWith, endsWith, hasValue, value, or, orValue`;
    expect(compileExpression('parameters.team.charAt(1) == "h"', scope)).toEqual({ wrong, column: 1 });
    for (const call of ['int("1") == 1', 'dyn(1) == 1', 'cel.bind(x, 1, x == 1)', 'parameters.team.split("") == []'])
      expect(compileExpression(call, scope)).toMatchObject({ wrong: expect.stringContaining('is not known here') });
  });
});

test('figures finer than a microsecond, and as small as they get, are durations', () => {
  const expression = compileExpression('steps.slow.measured.p95 < duration("1us")', scope);
  const tiny = { slow: { phase: 'Succeeded', p95: 0.000_1 } };
  expect('evaluate' in expression && expression.evaluate({ steps: tiny, parameters })).toEqual({ value: true });
});
