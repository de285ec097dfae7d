import { describe, expect, test } from '@jest/globals';
import { ChaosError, invalidArgument } from '@chaosplane/common';
import { BadRequest } from 'nice-grpc-error-details';
import { grpcError } from './errors.ts';

const problems = (count: number, word = 'x') =>
  Array.from({ length: count }, (_, index) => ({ path: `p${index}`, wrong: word.repeat(50), allowed: 'less' }));

/** What the error takes in HTTP/2 trailers. */
function trailerBytes(error: ChaosError): number {
  const { details, extra } = grpcError(error);
  const base64 = extra.map((detail) => (BadRequest.encode(detail as BadRequest).finish().length * 4) / 3);
  return encodeURI(details).length + base64.reduce((sum, bytes) => sum + bytes, 0);
}

describe('an error on the wire', () => {
  test('names each problem in its message and in its details', () => {
    const { details, extra } = grpcError(invalidArgument('the request', problems(3)));
    expect(details).toContain('p0: xxx');
    expect(details).toContain('p2: xxx');
    expect(extra).toMatchObject([{ fieldViolations: [{ field: 'p0' }, { field: 'p1' }, { field: 'p2' }] }]);
  });

  test('with more problems than fit says how many are left out', () => {
    const [detail] = grpcError(invalidArgument('the request', problems(1000))).extra as BadRequest[];
    const violations = detail?.fieldViolations ?? [];
    expect(violations.length).toBeGreaterThan(20);
    expect(violations.at(-1)?.description).toBe(`${1001 - violations.length} more problems are not listed`);
  });

  test.each([
    ['many problems', invalidArgument('the request', problems(1000))],
    ['many problems in Greek', invalidArgument('the request', problems(1000, 'λ'))],
    ['one huge message', new ChaosError('NOT_FOUND', 'x'.repeat(100_000))],
    ['one huge message of emoji', new ChaosError('NOT_FOUND', '🦆'.repeat(100_000))],
  ])('with %s stays below 8 KiB', (_name, error) => {
    expect(trailerBytes(error)).toBeLessThan(7000);
  });
});
