/** What a server said to an instant query: its samples, or why there is nothing to compare. Pure. */
import * as z from 'zod';
import type { Answer } from './send.ts';
import { shortened } from './words.ts';

/** One series of an answer, at the moment that was asked for. */
export interface Sample {
  /** Its labels as PromQL writes them; empty for a scalar. */
  readonly labels: string;
  /** NaN is a value that compares to nothing. */
  readonly value: number;
}

/** The samples, with what the server remarked on its query; or why there are none. */
export type Samples =
  { readonly samples: readonly Sample[]; readonly infos: readonly string[] } | { readonly wrong: string };

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** The envelope: https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
const envelope = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    data: z.object({ resultType: z.string(), result: z.unknown() }),
    warnings: texts,
    infos: texts,
  }),
  z.object({ status: z.literal('error'), errorType: z.string().default('unknown'), error: z.string().default('') }),
]);

/** A time in seconds, and the value as text: https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats */
const point = z.tuple([z.number(), z.string()]);

const vector = z.array(
  z.object({
    metric: z.record(z.string(), z.string()).default({}),
    value: point.optional(),
    histogram: z.unknown().optional(),
  }),
);

/** Reads an answer. Warnings are the server's word that the values may not be right, such as `results truncated due to limit`. */
export function samplesOf(answer: Answer): Samples {
  const said = envelope.safeParse(jsonOf(answer.body));
  if (!said.success) return { wrong: unreadable(answer) };
  if (said.data.status === 'error') {
    const { errorType, error } = said.data;
    return { wrong: `answered ${answer.status} (${errorType}): ${shortened(error)}` };
  }
  const { data, warnings, infos } = said.data;
  if (answer.status !== 200) return { wrong: `answered ${answer.status}` };
  if (warnings.length > 0) return { wrong: `answered with a warning: ${shortened(warnings.join('; '))}` };
  const found = valuesOf(data);
  return 'wrong' in found ? { wrong: `${found.wrong}${remarks(infos)}` } : { ...found, infos };
}

/** What the server remarked, to be added to a message; empty when it did not. */
export function remarks(infos: readonly string[]): string {
  return infos.length === 0 ? '' : ` (it remarks: ${shortened(infos.join('; '))})`;
}

/**
 * A value as Prometheus writes it: Go's `strconv.FormatFloat`, so `+Inf` and `-Inf`, which JavaScript's Number reads as NaN.
 * Undefined: it is no number.
 */
export function parseValue(text: string): number | undefined {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

type Values = { readonly samples: readonly Sample[] } | { readonly wrong: string };

function valuesOf({ resultType, result }: { readonly resultType: string; readonly result?: unknown }): Values {
  switch (resultType) {
    case 'scalar': {
      const scalar = point.safeParse(result);
      return scalar.success ? sampleOf('', scalar.data[1]) : { wrong: 'answered with a scalar that has no value' };
    }
    case 'vector':
      return vectorOf(result);
    case 'matrix':
      return { wrong: 'answered with a range of values: ask for one, such as avg_over_time(…)' };
    case 'string':
      return { wrong: 'answered with a text, which is no value' };
    default:
      return { wrong: `answered with a result of the type ${shortened(resultType)}, which is not known` };
  }
}

function vectorOf(result: unknown): Values {
  const parsed = vector.safeParse(result);
  if (!parsed.success) return { wrong: 'answered with a vector that cannot be read' };
  if (parsed.data.length === 0)
    return { wrong: 'answered with no series: there is no such data, or a comparison in the query is false' };
  const samples: Sample[] = [];
  for (const { metric, value } of parsed.data) {
    const labels = labelsOf(metric);
    if (value === undefined)
      return {
        wrong: `answered with a histogram${labels}, which has no value: ask for one, such as histogram_quantile(…)`,
      };
    const one = sampleOf(labels, value[1]);
    if ('wrong' in one) return one;
    samples.push(...one.samples);
  }
  return { samples };
}

function sampleOf(labels: string, text: string): Values {
  const value = parseValue(text);
  return value === undefined
    ? { wrong: `answered with ${shortened(text)}, which is no number` }
    : { samples: [{ labels, value }] };
}

/** ` {a="b"}`, without its name, which the query has; empty for a series without labels, such as that of `sum(…)`. */
function labelsOf(metric: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(metric).flatMap(([key, value]) =>
    key === '__name__' ? [] : [`${key}=${JSON.stringify(value)}`],
  );
  return pairs.length === 0 ? '' : ` ${shortened(`{${pairs.join(', ')}}`)}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** While it replays its write-ahead log, Prometheus answers every query with 503 and text. */
function unreadable({ status, contentType, body }: Answer): string {
  if (status === 503 && /^Service Unavailable\s*$/.test(body))
    return 'answered 503, "Service Unavailable": Prometheus says so while it starts and reads its write-ahead log';
  const what = contentType === '' ? 'something' : contentType;
  return `answered ${status} with ${shortened(what)} in place of JSON of the query API: is url the server that you mean?`;
}
