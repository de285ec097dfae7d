/** The probe `prometheus`: one instant query, whose values are compared. */
import type { PrometheusProbe } from '@chaosplane/api';
import { formatDuration } from '@chaosplane/common';
import { headersOf } from './headers.ts';
import type { Measured, Prober } from './prober.ts';
import { remarks, samplesOf, type Sample } from './prometheus-answer.ts';
import { send, type Answer } from './send.ts';
import { causeOf, shortened, shownUrl } from './words.ts';

/** How much later than the server the probe gives up: the server's own words are worth more than silence. */
const GRACE_MS = 500;

/** Answers of some thousand series are shorter. */
const BODY_BYTES = 1024 * 1024;

/**
 * Asks once. `pass` and `fail`: the values are as expected, or not. `error`: there was no value to compare: no answer, an error of
 * the server, no series, NaN, a histogram, a text, a range, warnings, or several series where one is expected.
 */
export async function askPrometheus(probe: PrometheusProbe, prober: Prober): Promise<Measured> {
  const server = shownUrl(probe.url);
  const limit = AbortSignal.timeout(probe.timeout + GRACE_MS);
  let answer: Answer;
  try {
    answer = await query(probe, prober, AbortSignal.any([prober.signal, limit]));
  } catch (error) {
    const why = limit.aborted ? `no answer within ${formatDuration(probe.timeout)}` : causeOf(error);
    return { outcome: 'error', message: `${server} could not be asked: ${why}` };
  }
  const read = samplesOf(answer);
  if ('wrong' in read) return { outcome: 'error', message: `${server} ${read.wrong}; ${asked(probe)}` };
  const { outcome, message } = judge(read.samples, probe);
  return { outcome, message: `${message}${remarks(read.infos)}` };
}

/**
 * A form, because Prometheus reads no JSON. `timeout` ends the query in the server. VictoriaMetrics answers with the state of 30
 * seconds ago unless it is told `latency_offset`, and from its cache unless it is told `nocache`
 * (https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#prometheus-querying-api-enhancements);
 * Prometheus ignores both.
 */
async function query(probe: PrometheusProbe, prober: Prober, signal: AbortSignal): Promise<Answer> {
  const { timeout } = probe;
  const url = `${probe.url.replace(/\/+$/, '')}/api/v1/query`;
  const form = new URLSearchParams({
    query: probe.query,
    timeout: `${timeout}ms`,
    latency_offset: '1ms',
    nocache: '1',
  });
  const headers = await headersOf(probe, prober);
  const { allowLocal } = prober;
  return send({ ...probe, url, method: 'POST', headers, form }, { allowLocal, signal, bodyBytes: BODY_BYTES });
}

/** Compares the samples, of which there is at least one. Pure. */
export function judge(
  samples: readonly Sample[],
  { query: text, expect, series }: Pick<PrometheusProbe, 'query' | 'expect' | 'series'>,
): Measured {
  const what = shortened(text);
  const wanted = `${expect.operator} ${expect.value}`;
  if (series === 'one' && samples.length > 1)
    return {
      outcome: 'error',
      message: `${what} has ${samples.length} series, not one: aggregate them, such as with sum(…), or say series: all or any`,
    };
  const unknown = samples.filter(({ value }) => Number.isNaN(value));
  const known = samples.filter(({ value }) => !Number.isNaN(value));
  const good = known.filter(({ value }) => compares(value, expect));
  const bad = known.filter((sample) => !good.includes(sample));
  const tell = ([first]: readonly Sample[], word: string): string =>
    `${what}${first?.labels ?? ''} is ${shown(first?.value)}, ${word} ${wanted}${samples.length > 1 ? `, of ${samples.length} series` : ''}`;
  // With NaN among them, all are not known to be as expected; that one is not, or that one is, is known all the same.
  const decisive = series === 'any' ? good : bad;
  if (decisive.length === 0 && unknown.length > 0) {
    const [first] = unknown;
    const message = `${what}${first?.labels ?? ''} is NaN, which compares to nothing: 0/0, or no observations`;
    return { outcome: 'error', message };
  }
  const passed = series === 'any' ? good.length > 0 : bad.length === 0;
  return passed ? { outcome: 'pass', message: tell(good, 'as') } : { outcome: 'fail', message: tell(bad, 'not') };
}

function compares(value: number, { operator, value: other }: PrometheusProbe['expect']): boolean {
  switch (operator) {
    case '<':
      return value < other;
    case '<=':
      return value <= other;
    case '==':
      return value === other;
    case '!=':
      return value !== other;
    case '>=':
      return value >= other;
    case '>':
      return value > other;
  }
}

function shown(value = NaN): string {
  return Number.isFinite(value) ? String(value) : `${value > 0 ? '+' : '-'}Inf`;
}

function asked({ query: text }: PrometheusProbe): string {
  return `it was asked for ${shortened(text)}`;
}
