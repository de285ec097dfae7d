/** Every command of every page is one that its program takes: the real parser of the command, kubectl and helm with no cluster to reach. */
import { existsSync } from 'node:fs';
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createProgram } from '@chaosplane/cli/program';
import { systemClock } from '@chaosplane/common';
import { extractKubectlAndHelm } from '@chaosplane/testcluster';
import type { Command } from 'commander';
import { execa } from 'execa';
import { layers } from '../test/layers.ts';
import { callsOf, type Call } from './calls.ts';

const ROOT = join(import.meta.dirname, '../..');

/** How a call is held against its program; a program that is not here fails. Undefined: it is right. */
const held: Readonly<Record<string, (words: readonly string[]) => Promise<string | undefined> | string | undefined>> = {
  chaosplane: (words) => parsed(words),
  npx: ([command, ...words]) => (command === 'chaosplane' ? parsed(words) : `npx calls ${String(command)}`),
  kubectl: (words) => {
    if (words[0] === 'chaosplane') return parsed(words.slice(1), 'kubectl chaosplane');
    // A plugin that is not here: plugin.test.ts installs by it.
    if (words[0] === 'krew') return undefined;
    const inside = words.slice(words.indexOf('--') + 1);
    const wrong = inside[0] === 'chaosplane' ? parsed(inside.slice(1)) : undefined;
    return wrong ?? unreached('kubectl', words);
  },
  // The chart of a release is that of this checkout.
  helm: (words) =>
    unreached(
      'helm',
      words.map((word) => word.replace(/^oci:.*/, 'charts/chaosplane')),
    ),
  npm: (words) => ofNpm(words),
  docker: (words) => (words[0] === 'build' && words.includes('-f') ? undefined : `docker ${words.join(' ')}`),
  // Their words name files, which are there; what they do is tested elsewhere: the daemon's server, and jest itself.
  grpcurl: () => undefined,
  'node_modules/.bin/node': () => undefined,
  sleep: ([seconds = '', ...more]) => (/^\d+$/.test(seconds) && more.length === 0 ? undefined : `sleep ${seconds}`),
  // They work on what others print.
  ...Object.fromEntries(['base64', 'grep', 'openssl', 'sort', 'xargs'].map((name) => [name, () => undefined])),
};

let programs: string;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'chaosplane-programs-'));
  await extractKubectlAndHelm(programs);
}, 60_000);
afterAll(() => rm(programs, { recursive: true, force: true }));

/** What the parser of the command has against the words; nothing is carried out. */
function parsed(
  words: readonly string[],
  calledAs: 'chaosplane' | 'kubectl chaosplane' = 'chaosplane',
): string | undefined {
  const { stdout: out, stderr: err, stdin } = process;
  const interrupted = new AbortController().signal;
  const surroundings = {
    ...{ calledAs, out, err, stdin, clock: systemClock, interrupted, cacheFolder: '', kubeconfigs: [] },
    leaving: () => new DisposableStack(),
  };
  const program = createProgram(surroundings, { done: () => undefined, demo: true });
  const called: string[] = [];
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    if (command.commands.length === 0) command.action(() => void called.push(command.name()));
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return code === 'commander.helpDisplayed' || code === 'commander.version' ? undefined : message;
  }
  return called.length === 1 ? undefined : 'no command was called';
}

/** What it says, when it is not that there is no cluster, or no such file as a reader has made. */
async function unreached(program: string, words: readonly string[]): Promise<string | undefined> {
  const env = {
    KUBECONFIG: '/dev/null',
    KUBERNETES_MASTER: 'http://127.0.0.1:1',
    KUBEAPISERVER: 'http://127.0.0.1:1',
    HOME: programs,
  };
  const server = program === 'kubectl' ? ['--server=http://127.0.0.1:1'] : ['--kube-apiserver=http://127.0.0.1:1'];
  const split = words.indexOf('--');
  const argv = split < 0 ? [...words, ...server] : [...words.slice(0, split), ...server, ...words.slice(split)];
  const ended = await execa(join(programs, program), argv, { cwd: ROOT, env, input: '', reject: false, all: true });
  const fine = /connection refused|was refused|the path "[\w.-]+" does not exist|no objects passed/;
  return ended.exitCode === 0 || fine.test(ended.all) ? undefined : ended.all;
}

async function ofNpm([verb, ...words]: readonly string[]): Promise<string | undefined> {
  if (verb === 'install') return undefined;
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const [script = ''] = verb === 'run' ? words : [verb];
  if (!(script in scripts)) return `there is no script ${script}`;
  const more = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
  if (script === 'chaosplane') return parsed(more);
  const unknown = script === 'test' ? more.filter((name) => !layers.some((layer) => layer.name === name)) : [];
  return unknown.length === 0 ? undefined : `there is no layer ${unknown.join(', ')}`;
}

/** What is wrong about one call. */
async function wrongWith([program, ...words]: Call): Promise<string[]> {
  const paths = words.filter((word) => /^(?:charts|docs|examples|images|packages|proto|tools)\/[\w./-]+$/.test(word));
  const missing = paths.filter((path) => !existsSync(join(ROOT, path))).map((path) => `there is no ${path}`);
  const wrong = await held[program]?.(words);
  return wrong === undefined ? missing : [...missing, wrong];
}

const pages: string[] = [];
for await (const path of glob(['*.md', 'docs/**/*.md', 'packages/**/*.md'], {
  cwd: ROOT,
  exclude: (name) => name === 'node_modules',
}))
  pages.push(path);

const blocks = (
  await Promise.all(
    pages.toSorted().map(async (page) => {
      const text = await readFile(join(ROOT, page), 'utf8');
      const found = [...text.matchAll(/^( *)```(?:sh|bash|console)\b[^\n]*\n([^]*?)^ *```$/gm)];
      return found.map(
        ([, indent = '', block = '']) => [page, block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] as const,
      );
    }),
  )
).flat();

describe('each command that a page shows', () => {
  test('there are many', () => {
    expect(blocks.length).toBeGreaterThan(40);
    expect(new Set(blocks.map(([page]) => page)).size).toBeGreaterThan(10);
  });

  test.each(blocks)(
    '%s: %s',
    async (_page, block) => {
      const calls = await callsOf(block, Object.keys(held));
      expect(calls.length).toBeGreaterThan(0);
      for (const call of calls) expect([call.join(' '), await wrongWith(call)]).toEqual([call.join(' '), []]);
    },
    60_000,
  );
});

describe('what would be found', () => {
  test.each([
    ['chaosplane run a.yaml --clusters', /unknown option '--clusters'/],
    ['npx chaosplane explode a.yaml', /unknown command 'explode'/],
    ['chaosplane abort', /missing required argument/],
    ['kubectl get pods --namespaces shop', /unknown flag: --namespaces/],
    ['kubectl exec -n chaosplane POD -- chaosplane undo ID', /unknown command 'undo'/],
    ['kubectl apply -f examples/no-such.yaml', /there is no examples\/no-such\.yaml/],
    ['helm install chaosplane charts/chaosplane --set-of a=b', /unknown flag: --set-of/],
    ['for one in a b; do npm run no-such -- $one; done', /there is no script no-such/],
    ['npm test -- kernels', /there is no layer kernels/],
    ['echo END | kubectl delete --flie -', /unknown flag: --flie/],
  ])('%s', async (block, words) => {
    const wrong = [];
    for (const call of await callsOf(block, Object.keys(held))) wrong.push(...(await wrongWith(call)));
    expect(wrong.join('\n')).toMatch(words);
  });

  test('a program that has no row, and a text that bash does not read', async () => {
    await expect(callsOf('curl example.test', Object.keys(held))).rejects.toThrow('curl: command not found');
    await expect(callsOf("kubectl get 'pods", Object.keys(held))).rejects.toThrow('unexpected EOF');
  });
});
