/** Random expressions over the steps and parameters of expressions.ts: most of them fit by their types, and few are more than noise. */
import { seededRandom } from '@chaosplane/common/pure';

type Type = 'int' | 'double' | 'string' | 'bool' | 'duration' | 'ints' | 'strings';

const LEAVES: Readonly<Record<Type, readonly string[]>> = {
  int: [
    ...['0', '1', '-1', '7', '9223372036854775807', '-9223372036854775808', '9007199254740993', 'parameters.count'],
    ...['parameters.big', 'steps.slow.attempts', 'steps.wait.attempts', 'steps.loop.attempts'],
  ],
  double: [
    ...['0.0', '1.5', '-2.25', '1e20', '0.001', '9007199254740992.0'],
    ...['steps.slow.measured.successRate', 'steps.wait.measured.successRate'],
  ],
  string: [
    ...['""', '"a"', '"Held"', '"😀ä"', 'r"x"', String.raw`"\n\u00e4"`, 'parameters.team', 'parameters.smile'],
    ...['steps.slow.verdict', 'steps.wait.verdict', 'steps["ok"].phase'],
  ],
  bool: [
    ...['true', 'false', 'parameters.strict', 'steps.ok.value', 'steps.slow.value', 'has(steps.wait.verdict)'],
    ...['has(steps.slow.measured.p95)', 'steps.wait.?verdict.hasValue()'],
  ],
  duration: [
    ...['duration("0s")', 'duration("250ms")', 'duration("1.5s")', 'duration("1h2m3s4ms5us")', 'duration("2400h")'],
    ...['parameters.most', 'steps.slow.measured.p95', 'steps.slow.measured.p50', 'steps.wait.measured.p95'],
  ],
  ints: ['[1]', '[1, 2, 3]', '[0, 1]', '[-1, 9223372036854775807]'],
  strings: ['["a"]', '["Held", "😀"]', '["", "shop"]'],
};

const ITEM = { ints: 'int', strings: 'string' } as const;

/** What stands for a type, from what stands for others. */
type Branches = Readonly<Record<Type, readonly (() => string)[]>>;

/** So many expressions that say whether something is so; the same for the same seed. */
export function randomExpressions(seed: number, count: number): readonly string[] {
  const random = seededRandom(seed);
  const oneOf = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const variables: { readonly name: string; readonly type: Type }[] = [];

  const make = (wanted: Type, depth: number): string => {
    // Now and then one that does not fit.
    const type = random() < 0.02 ? oneOf(['int', 'double', 'string', 'bool', 'duration'] as const) : wanted;
    const known = variables.filter((variable) => variable.type === type);
    if (known.length > 0 && random() < 0.4) return oneOf(known).name;
    return depth <= 0 ? oneOf(LEAVES[type]) : oneOf(branches(depth - 1)[type])();
  };

  const branches = (depth: number): Branches => {
    const a = (type: Type): string => make(type, depth);
    const either = (type: Type) => (): string => `(${a('bool')} ? ${a(type)} : ${a(type)})`;
    const between = (type: Type, signs: readonly string[]) => (): string => `(${a(type)} ${oneOf(signs)} ${a(type)})`;
    const absent = (field: string, type: Type) => (): string =>
      `steps.${oneOf(['slow', 'wait'])}.?${field}.orValue(${a(type)})`;
    const macro = (of: 'ints' | 'strings', names: readonly string[], body: Type) => (): string => {
      const list = a(of);
      const name = oneOf(['x', 'y']);
      variables.push({ name, type: ITEM[of] });
      const text = `${list}.${oneOf(names)}(${name}, ${a(body)})`;
      variables.pop();
      return text;
    };
    const equal = (): string => between(oneOf(Object.keys(LEAVES) as Type[]), ['==', '!='])();
    const order = ['<', '<=', '>', '>='];
    const quantifiers = ['all', 'exists', 'exists_one'];
    return {
      int: [
        ...[between('int', ['+', '-', '*', '/', '%']), either('int'), absent('attempts', 'int')],
        ...[() => `-${a('int')}`, () => `size(${a(oneOf(['string', 'ints', 'strings']))})`],
        () => `${a('ints')}[${a('int')}]`,
      ],
      double: [
        between('double', ['+', '-', '*', '/']),
        () => `(${a('double')} ${oneOf(['*', '/'])} 4.5)`,
        () => `double(${a('int')})`,
        () => `-${a('double')}`,
      ],
      string: [between('string', ['+']), either('string'), absent('verdict', 'string')],
      bool: [
        ...[between('bool', ['&&', '||']), () => `!${a('bool')}`, either('bool'), equal],
        ...[() => between(oneOf(['int', 'double', 'duration', 'bool'] as const), order)()],
        ...[() => `(${a('int')} ${oneOf(order)} ${a('double')})`, () => `(${a('int')} in ${a('ints')})`],
        () => `${a('string')}.${oneOf(['contains', 'startsWith', 'endsWith'])}(${a('string')})`,
        ...[macro('ints', quantifiers, 'bool'), macro('strings', quantifiers, 'bool')],
      ],
      duration: [between('duration', ['+', '-']), either('duration'), absent('timeToRecover', 'duration')],
      ints: [
        ...[between('ints', ['+']), () => `[${a('int')}, ${a('int')}]`],
        ...[macro('ints', ['filter'], 'bool'), macro('ints', ['map'], 'int')],
      ],
      strings: [() => `[${a('string')}, ${a('string')}]`, macro('strings', ['filter'], 'bool')],
    };
  };
  return Array.from({ length: count }, () => make('bool', oneOf([2, 3, 4])));
}
