/** The headers of a probe, with what Secrets have of them. */
import type { HttpProbe } from '@chaosplane/api';
import type { Prober } from './prober.ts';

/**
 * Each header by its name.
 * @throws Error that says what is missing when a Secret cannot be read, and never what one has.
 */
export async function headersOf(
  { headers }: Pick<HttpProbe, 'headers'>,
  { secret }: Pick<Prober, 'secret'>,
): Promise<Record<string, string>> {
  const found = headers.map(async ({ name, value = '', valueFrom }): Promise<[string, string]> => {
    if (valueFrom === undefined) return [name, value];
    if (secret === undefined) throw new Error('there are no Secrets here');
    // Most Secrets that were made from a file end with a line break, which no header takes.
    return [name, (await secret(valueFrom.secretKeyRef)).replace(/[\r\n]+$/, '')];
  });
  return Object.fromEntries(await Promise.all(found));
}
