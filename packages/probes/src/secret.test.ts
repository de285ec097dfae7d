/** What is said of a Secret that cannot be read: what is missing and what to do, and nothing of what it has. */
import { ChaosError } from '@chaosplane/common';
import { KubeError, type KubeClient } from '@chaosplane/kube';
import { expect, test } from '@jest/globals';
import { readSecret } from './secret.ts';

const place = { namespace: 'shop', name: 'token', key: 'bearer' };
const encoded = (text: string): string => Buffer.from(text).toString('base64');

/** What comes of an API server that answers with that. */
async function read(answer: object | Error | undefined, key = 'bearer'): Promise<string> {
  const client: Pick<KubeClient, 'get'> = {
    async get() {
      if (answer instanceof Error) throw answer;
      return answer as never;
    },
  };
  return readSecret(client as KubeClient, { ...place, key }, new AbortController().signal);
}

test('the value of the key, as text', async () => {
  expect(await read({ data: { bearer: encoded('Bearer abc'), other: encoded('x') } })).toBe('Bearer abc');
});

test.each<[string, object | Error | undefined, string]>([
  ['no Secret', undefined, 'there is no Secret shop/token: create it, or mend secretKeyRef.name'],
  ['nothing in it', {}, 'the Secret shop/token has no key bearer: add it, or mend secretKeyRef.key'],
  [
    'another key',
    { data: { geheim: encoded('geheim') } },
    'the Secret shop/token has no key bearer: add it, or mend secretKeyRef.key',
  ],
  [
    'no right to read it',
    new KubeError(403, 'Forbidden', 'secrets "token" is forbidden'),
    'the operator may not read the Secret shop/token: allow it with a Role, as docs/experiments.md shows for probes',
  ],
  [
    'an answer that cannot be read',
    new ChaosError('UNAVAILABLE', 'Unexpected token, "geheim" is not valid JSON'),
    'the Secret shop/token could not be read (UNAVAILABLE): try again',
  ],
])('%s', async (_what, answer, said) => {
  await expect(read(answer)).rejects.toThrow(new Error(said));
});

test('a name that every object has is no key', async () => {
  await expect(read({ data: {} }, 'constructor')).rejects.toThrow('has no key constructor');
});
