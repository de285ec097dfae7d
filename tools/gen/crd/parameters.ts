/** What `kubectl explain` says of the parameters of every action. Pure. */
import { catalogue, TARGET_KEYS, toldParameters, type Action, type ToldParameter } from '@chaosplane/actions';

/** `kubectl explain` breaks lines at 76 columns, and would begin the rest at the margin. */
const WIDTH = 72;

const INTRODUCTION = `What the action is given: texts, numbers or booleans; lists where commas are allowed, and for headers also a map.
Each action has these parameters. What they mean is told by "chaosplane actions NAME", and in docs/actions.`;

/** The description of `spec.action.parameters`. */
export function describeParameters(actions: readonly Action[] = catalogue): string {
  return [...INTRODUCTION.split('\n').flatMap((line) => wrapped(line, '')), ...actions.flatMap(describe)].join('\n');
}

function describe(action: Action): string[] {
  const names = [action.name, ...action.aliases].join(', ');
  const told = toldParameters(action).filter(({ name }) => !TARGET_KEYS.includes(name));
  const lines = told.length === 0 ? ['  no parameters'] : told.flatMap((each) => wrapped(line(each), '    '));
  return ['', ...wrapped(`${names} (${action.targetKind}): ${action.summary}`, '    '), ...lines];
}

function line({ name, aliases, required, allowed, default: initial }: ToldParameter): string {
  const given = initial === undefined ? (required ? 'required' : 'optional') : `default ${initial}`;
  return `  ${[name, ...aliases].join(', ')} (${given}): ${allowed}`;
}

/** The text in lines of that width; all but the first are indented. */
function wrapped(text: string, indent: string): string[] {
  const [first = '', ...words] = text.split(/(?<=\S) /);
  const lines = [first];
  for (const word of words) {
    const line = `${lines.at(-1) ?? ''} ${word}`;
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(`${indent}${word}`);
  }
  return lines;
}
