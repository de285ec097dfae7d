/** The images for both processors: an index in one archive, of programs that the other processor takes; started under QEMU's emulation. */
import { copyFile, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { architectures, machines, ownArchitecture } from '../../src/index.ts';
import { build, ROOT } from './build.ts';
import { filesBelow, unpack, type Unpacked } from './unpacked.ts';

/** What the header of an ELF file calls a processor: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const MACHINES = { amd64: 62, arm64: 183 } as const;
const other = architectures.find((name) => name !== ownArchitecture())!;
const NAMES = ['operator', 'daemon'] as const;

let work: string;
const images = new Map<string, Unpacked>();

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'chaosplane-foreign-'));
  const out = join(work, 'out');
  await build(ROOT, { out, cache: join(work, 'cache'), args: ['--arch', ...architectures] });
  for (const name of NAMES) {
    const unpacked = await unpack(join(out, `chaosplane-${name}.tar`), join(work, name));
    expect(unpacked.map(({ architecture }) => architecture)).toEqual(architectures);
    for (const image of unpacked) {
      images.set(`${name}-${image.architecture}`, image);
      const path = join(out, `chaosplane-${name}-${image.architecture}.cdx.json`);
      const bill = JSON.parse(await readFile(path, 'utf8')) as { metadata: { component: { version: string } } };
      expect(bill.metadata.component.version).toBe(image.digest);
    }
  }
}, 600_000);

afterAll(() => rm(work, { recursive: true, force: true }), 120_000);

const imageOf = (name: (typeof NAMES)[number], architecture: string): Unpacked =>
  images.get(`${name}-${architecture}`)!;

/** The processor that an ELF file is for; undefined for any other file. */
async function machineOf(path: string): Promise<number | undefined> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0);
  return buffer.toString('latin1', 0, 4) === '\x7fELF' ? buffer.readUInt16LE(18) : undefined;
}

/** Runs a program of the other processor in its image, with the emulator beside it. */
async function emulated(name: (typeof NAMES)[number], ...words: string[]) {
  const { folder } = imageOf(name, other);
  await copyFile(`/usr/bin/qemu-${machines[other].gnu}-static`, join(folder, 'qemu'));
  return execa('chroot', [folder, '/qemu', ...words], { extendEnv: false, env: { PATH: '/usr/sbin:/usr/bin' } });
}

test.each(NAMES)('every program and library in the images of the %s is for its processor', async (name) => {
  for (const architecture of architectures) {
    const { folder } = imageOf(name, architecture);
    const found = await Promise.all(
      (await filesBelow(folder)).map(async ({ path }) => ({ path, machine: await machineOf(join(folder, path)) })),
    );
    const programs = found.filter(({ machine }) => machine !== undefined);
    expect(programs.length).toBeGreaterThan(5);
    expect(programs.filter(({ machine }) => machine !== MACHINES[architecture])).toEqual([]);
  }
});

test('the programs of the other processor start, and the daemon loads its native library and libnftables', async () => {
  expect((await emulated('daemon', '/usr/bin/node', '--version')).stdout).toBe(process.version);
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect((await emulated('daemon', '/usr/bin/node', '/app/chaosplane.js', 'version')).stdout).toContain(version);
  expect((await emulated('daemon', '/usr/bin/node', '/app/main.js', '--help')).stdout).toContain('chaosplane-daemon');
  expect((await emulated('operator', '/usr/bin/node', '/app/main.js', '--help')).stdout).toContain('Usage: operator');
  expect((await emulated('daemon', '/usr/sbin/tc', '-V')).stdout).toContain('iproute2');
  expect((await emulated('daemon', '/usr/bin/stress-ng', '--version')).stdout).toContain('stress-ng');
  const script = `const koffi = require('/app/node_modules/koffi');
    koffi.load('libnftables.so.1').func('void *nft_ctx_new(uint32_t)');
    console.log(process.arch, koffi.load('libc.so.6').func('int getpid()')() === process.pid);`;
  expect((await emulated('daemon', '/usr/bin/node', '-e', script)).stdout).toBe(`${machines[other].node} true`);
}, 600_000);
