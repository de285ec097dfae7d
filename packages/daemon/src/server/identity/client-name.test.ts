/** Whose certificate a call came with. */
import { expect, test } from '@jest/globals';
import { certificateOf } from './client-name.ts';

test('a call whose connection has ended meanwhile has no certificate, and ends nothing but itself', () => {
  const ended = (): never => {
    throw new TypeError("Cannot read properties of null (reading 'raw')");
  };
  expect(certificateOf({ getAuthContext: ended })).toBeUndefined();
});

test('a call without TLS has no certificate', () => {
  expect(certificateOf({ getAuthContext: () => ({}) })).toBeUndefined();
});
