/**
 * Expressions of workflows: the Common Expression Language, as far as it means the same here and in the API server. What an expression
 * may cost is known before it is evaluated. Pure.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */
import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import type { ParseResult, TypeCheckResult } from '@marcbachmann/cel-js';
import { parseDuration } from '@chaosplane/common/pure';
import { refusedTypes, refusedWords, type ExpressionProblem, type Fields } from './common-language.ts';
import type { ParameterSpec } from './spec.ts';
import type { ParameterValues } from './parameters.ts';

/** What an expression knows of a step, by name; durations are milliseconds. What is not there was not measured. */
export interface StepFacts {
  readonly phase: string;
  readonly verdict?: string | undefined;
  /** Of a condition. */
  readonly value?: boolean | undefined;
  readonly message?: string | undefined;
  readonly attempts?: number | undefined;
  /** From 0 to 100. */
  readonly successRate?: number | undefined;
  readonly p50?: number | undefined;
  readonly p95?: number | undefined;
  readonly timeToDetect?: number | undefined;
  readonly timeToRecover?: number | undefined;
  readonly longestOutage?: number | undefined;
}

/** What an expression may name. */
export interface ExpressionScope {
  /** The steps that are over when it is evaluated. */
  readonly steps: readonly string[];
  readonly parameters: readonly Pick<ParameterSpec, 'name' | 'type'>[];
}

/** An expression that was understood. */
export interface Expression {
  /** What it is; or why that cannot be said, such as that a step has no such result. */
  evaluate(facts: {
    readonly steps: Readonly<Record<string, StepFacts>>;
    readonly parameters: ParameterValues;
  }): { readonly value: boolean } | { readonly error: string };
}

const DURATION = 'google.protobuf.Duration';

const STEP_SCHEMA = {
  phase: 'string',
  verdict: 'string',
  value: 'bool',
  message: 'string',
  attempts: 'int',
  timeToDetect: DURATION,
  timeToRecover: DURATION,
  measured: { successRate: 'double', p50: DURATION, p95: DURATION, longestOutage: DURATION },
};

const PARAMETER_SCHEMA = { string: 'string', integer: 'int', boolean: 'bool', duration: DURATION } as const;

/** Far above what people write. */
const LIMITS = { maxAstNodes: 500, maxDepth: 50, maxListElements: 100, maxMapEntries: 50, maxCallArguments: 10 };

/**
 * Understands an expression that says whether something is so.
 * @param scope What it may name.
 */
export function compileExpression(text: string, scope: ExpressionScope): Expression | ExpressionProblem {
  const variables = variablesOf(scope);
  const environment = environmentOf(variables);
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    if (error instanceof ParseError) return { wrong: lowered(error.summary), column: (error.range?.start ?? 0) + 1 };
    throw error;
  }
  const problem = refusedWords(parsed.ast, variables) ?? typeProblem(parsed.check()) ?? refusedTypes(parsed.ast);
  if (problem !== undefined) return problem;
  return {
    evaluate({ steps, parameters }) {
      try {
        return { value: parsed(contextOf(environment, scope, { steps, parameters })) === true };
      } catch (error) {
        if (error instanceof EvaluationError || error instanceof CelTypeError) return { error: lowered(error.summary) };
        throw error;
      }
    },
  };
}

const variablesOf = ({ steps, parameters }: ExpressionScope): Record<'steps' | 'parameters', Fields> => ({
  steps: Object.fromEntries(steps.map((name) => [name, STEP_SCHEMA])),
  parameters: Object.fromEntries(parameters.map(({ name, type }) => [name, PARAMETER_SCHEMA[type]])),
});

function environmentOf({ steps, parameters }: Record<'steps' | 'parameters', Fields>): Environment {
  return new Environment({ enableOptionalTypes: true, limits: LIMITS })
    .registerVariable('steps', { schema: steps })
    .registerVariable('parameters', { schema: parameters });
}

function typeProblem({ valid, type, error }: TypeCheckResult): ExpressionProblem | undefined {
  if (!valid) return { wrong: lowered(error?.summary ?? 'it has no type'), column: (error?.range?.start ?? 0) + 1 };
  return type === 'bool' ? undefined : { wrong: `it is of the type ${type ?? 'dyn'}, not bool`, column: 1 };
}

const lowered = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** Integers are BigInts, durations are the library's own. */
function contextOf(
  environment: Environment,
  scope: ExpressionScope,
  { steps, parameters }: { readonly steps: Readonly<Record<string, StepFacts>>; readonly parameters: ParameterValues },
): object {
  // To the microsecond; small numbers would be written with an exponent.
  const ms = (value: number | undefined): unknown =>
    value === undefined ? undefined : environment.evaluate(`duration("${Math.round(value * 1000)}us")`);
  const step = (facts: StepFacts): object =>
    known({
      ...{ phase: facts.phase, verdict: facts.verdict, value: facts.value, message: facts.message },
      attempts: facts.attempts === undefined ? undefined : BigInt(facts.attempts),
      ...{ timeToDetect: ms(facts.timeToDetect), timeToRecover: ms(facts.timeToRecover) },
      measured: known({
        ...{ successRate: facts.successRate, p50: ms(facts.p50), p95: ms(facts.p95) },
        longestOutage: ms(facts.longestOutage),
      }),
    });
  const parameter = ({ name, type }: ExpressionScope['parameters'][number]): [string, unknown] => {
    const value = parameters[name];
    if (type === 'integer') return [name, BigInt(Number(value))];
    if (type !== 'duration') return [name, value];
    const parsed = parseDuration(String(value));
    return [name, parsed.ok ? ms(parsed.value) : undefined];
  };
  return {
    steps: Object.fromEntries(Object.entries(steps).map(([name, facts]) => [name, step(facts)])),
    parameters: Object.fromEntries(scope.parameters.map(parameter)),
  };
}

/** Without what is not known: an absent key is an error, which an expression can ask about by has(). */
function known(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
