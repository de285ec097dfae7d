import { expect, test } from '@jest/globals';
import { sourceOf, versionsOf } from './stand-in.ts';

const names = [
  { name: 'kmod_new', version: 'LIBKMOD_5' },
  { name: 'kmod_unref', version: 'LIBKMOD_5' },
];

test('each name has the version under which a program asks for it', () => {
  expect(versionsOf(names)).toBe('LIBKMOD_5 { kmod_new; kmod_unref; };\n');
  expect(versionsOf([{ name: 'plain', version: '' }])).toBe(' { plain; };\n');
});

test('each function answers 0, in the language of its processor', () => {
  expect(sourceOf(names, 'amd64')).toContain('kmod_new:\n xorl %eax, %eax\n ret\n');
  expect(sourceOf(names, 'arm64')).toContain('kmod_unref:\n mov x0, #0\n ret\n');
});
