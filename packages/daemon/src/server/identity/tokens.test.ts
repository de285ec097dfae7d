/** What a daemon remembers of a token's reviews, and for how long. */
import { createLogger, systemClock } from '@chaosplane/common';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createTokens, expiryOf, type Review, type Tokens } from './tokens.ts';

const ACCOUNT = 'system:serviceaccount:chaos:operator';
const good: Review = { authenticated: true, username: ACCOUNT, audiences: ['chaosplane-daemon'] };
const bad: Review = { authenticated: false, why: 'expired' };

let ahead: number;
let answers: () => Promise<Review>;
let asked: number;
let tokens: Tokens;

const tokenUntil = (expiresAt: number): string =>
  `h.${Buffer.from(JSON.stringify({ exp: expiresAt / 1000 })).toString('base64url')}.s`;
const outcome = (token: string): Promise<string> =>
  tokens.admit(token).then(
    () => 'OK',
    (error: unknown) => (error as { code: string }).code,
  );

beforeEach(() => {
  [ahead, asked, answers] = [0, 0, async () => good];
  tokens = createTokens({
    reviewer: {
      review: (_token, audience) => {
        expect(audience).toBe('chaosplane-daemon');
        asked += 1;
        return answers();
      },
    },
    clock: { ...systemClock, now: () => 1_000_000 + ahead, monotonic: () => ahead },
    logger: createLogger({ level: 'silent' }),
    serviceAccount: ACCOUNT,
    audience: 'chaosplane-daemon',
  });
});

describe('a token', () => {
  test('that was refused is asked about again after two seconds', async () => {
    answers = async () => bad;
    expect([await outcome('a'), await outcome('a')]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(asked).toBe(1);
    answers = async () => good;
    ahead = 2000;
    expect(await outcome('a')).toBe('OK');
  });

  test('that several calls bring at once is reviewed once', async () => {
    expect(await Promise.all([outcome('a'), outcome('a'), outcome('a')])).toEqual(['OK', 'OK', 'OK']);
    expect(asked).toBe(1);
  });

  test('that has expired is not good for the rest of its minute', async () => {
    const token = tokenUntil(1_010_000);
    expect(await outcome(token)).toBe('OK');
    ahead = 10_000;
    answers = async () => bad;
    expect(await outcome(token)).toBe('UNAUTHENTICATED');
  });

  test('made out for another audience besides is that of the operator only when the audience is there', async () => {
    answers = async () => ({ ...good, audiences: ['kubernetes'] });
    expect(await outcome('a')).toBe('UNAUTHENTICATED');
    answers = async () => ({ ...good, username: 'system:admin' });
    expect(await outcome('b')).toBe('PERMISSION_DENIED');
  });
});

describe('while no API server can review', () => {
  const noAnswer = async (): Promise<Review> => Promise.reject(new Error('connection refused'));

  test('a token with an expiry counts until then, without waiting for each call', async () => {
    const token = tokenUntil(1_000_000 + 600_000);
    expect(await outcome(token)).toBe('OK');
    answers = noAnswer;
    ahead = 61_000;
    expect([await outcome(token), await outcome(token), await outcome(token)]).toEqual(['OK', 'OK', 'OK']);
    expect(asked).toBe(2);
    ahead = 600_000;
    expect(await outcome(token)).toBe('UNAVAILABLE');
  });

  test('a token that does not say when it ends counts for its minute only', async () => {
    expect(await outcome('a')).toBe('OK');
    answers = noAnswer;
    ahead = 59_000;
    expect(await outcome('a')).toBe('OK');
    ahead = 61_000;
    expect(await outcome('a')).toBe('UNAVAILABLE');
  });

  test('a good token counts also after any number of others were refused, or could not be reviewed', async () => {
    const token = tokenUntil(1_000_000 + 600_000);
    expect(await outcome(token)).toBe('OK');
    answers = async () => bad;
    for (let others = 0; others < 300; others += 1) await outcome(`other ${others}`);
    answers = noAnswer;
    ahead = 61_000;
    expect(await outcome('another')).toBe('UNAVAILABLE');
    expect(await outcome(token)).toBe('OK');
  });

  test('the review of a token that failed says nothing of another, which may have been revoked', async () => {
    const [first, second] = [tokenUntil(1_000_000 + 600_000), tokenUntil(1_000_000 + 600_001)];
    expect([await outcome(first), await outcome(second)]).toEqual(['OK', 'OK']);
    ahead = 61_000;
    answers = noAnswer;
    expect(await outcome(first)).toBe('OK');
    answers = async () => bad;
    expect(await outcome(second)).toBe('UNAUTHENTICATED');
  });

  test('a token that was refused before is not let in', async () => {
    const token = tokenUntil(2_000_000);
    answers = async () => bad;
    expect(await outcome(token)).toBe('UNAUTHENTICATED');
    answers = noAnswer;
    ahead = 3000;
    expect(await outcome(token)).toBe('UNAVAILABLE');
  });
});

test.each(['', 'x', 'a.b.c', 'a.bnVsbA.c', `a.${Buffer.from('{"exp":"soon"}').toString('base64url')}.c`])(
  'the text %p has no expiry',
  (text) => {
    expect(expiryOf(text)).toBeUndefined();
  },
);
