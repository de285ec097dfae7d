/** The lint rule that functions are short. The list of tests that a `describe` is may be as long as its file; its tests may not. */
import { builtinRules } from 'eslint/use-at-your-own-risk';

const lines = builtinRules.get('max-lines-per-function');

/** What lists tests: `describe`, and `group` where a test chooses between `describe` and `describe.skip`. */
const LISTS = ['describe', 'group'];

/** Whether a function is the list of tests of `describe(…)`, `describe.skip(…)`, `describe.each(…)(…)`. */
function isList({ parent }) {
  let called = parent.type === 'CallExpression' ? parent.callee : undefined;
  while (called !== undefined && called.type !== 'Identifier') called = called.callee ?? called.object ?? called.tag;
  return called !== undefined && LISTS.includes(called.name);
}

export const functionLines = {
  meta: lines.meta,
  create: (context) =>
    lines.create(
      Object.create(context, {
        report: { value: (problem) => isList(problem.node) || context.report(problem) },
      }),
    ),
};
