/** Starts a container runtime of our own – containerd or CRI-O – with private root, state, socket, network and cgroups. */
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createChannel, createClient, type Channel } from 'nice-grpc';
import { defined, systemClock } from '@chaosplane/common';
import { cri } from '@chaosplane/proto';
import { containerd } from './containerd.ts';
import { crio } from './crio.ts';
import { socketIn, type Place } from './place.ts';
import { firstExisting } from './prerequisites.ts';

/** The runtimes that a test bed can run on: Debian's containerd 1.6, and two that are built from Go modules. */
export const runtimeKinds = ['containerd', 'containerd-2', 'crio'] as const;
export type RuntimeKind = (typeof runtimeKinds)[number];

/** Which runtime, and where its programs are. */
export interface RuntimeChoice {
  readonly kind: RuntimeKind;
  /** The folder of its programs, its runc among them. Absent: those of Debian, which only `containerd` has. */
  readonly programs?: string;
}

/** The CRI of a runtime that runs in `folder`. */
export interface StartedRuntime {
  readonly kind: RuntimeKind;
  readonly endpoint: string;
  readonly channel: Channel;
  readonly runtime: ReturnType<typeof client>;
}

const client = (channel: Channel) => createClient(cri.RuntimeServiceDefinition, channel);

const START_DEADLINE_MS = 30_000;

/**
 * What the environment of a test run asks for: CHAOSPLANE_TEST_RUNTIME names the runtime, CHAOSPLANE_TEST_PROGRAMS the folder of
 * its programs. Undefined: nothing is asked for.
 */
export function runtimeOf(env: NodeJS.ProcessEnv): RuntimeChoice | undefined {
  const asked = env['CHAOSPLANE_TEST_RUNTIME'];
  if (asked === undefined || asked === '') return undefined;
  const kind = runtimeKinds.find((each) => each === asked);
  if (kind === undefined)
    throw new Error(`CHAOSPLANE_TEST_RUNTIME is ${asked}: allowed are ${runtimeKinds.join(', ')}`);
  const programs = env['CHAOSPLANE_TEST_PROGRAMS'];
  if (programs !== undefined && programs !== '') return { kind, programs };
  if (kind === 'containerd') return { kind };
  throw new Error(`CHAOSPLANE_TEST_PROGRAMS must name the folder of ${kind}'s programs: npm run test:long -- ${kind}`);
}

/** Starts the runtime and gives it the images; throws with the end of its log when it does not answer in 30 s. */
export async function startRuntime(
  { kind, programs }: RuntimeChoice,
  { folder, image }: Pick<Place, 'folder' | 'image'>,
  signal?: AbortSignal,
): Promise<StartedRuntime> {
  const bridge = (await firstExisting(['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'])) ?? '/opt/cni/bin/bridge';
  const plugins = bridge.slice(0, -'/bridge'.length);
  const place: Place = { folder, image, plugins, ...defined({ programs }) };
  const program = kind === 'crio' ? crio() : containerd(kind);
  const [command, ...argv] = await program.prepare(place);
  await start(command, argv, place);
  const channel = createChannel(`unix://${socketIn(folder)}`);
  const runtime = client(channel);
  try {
    await answering(runtime, kind, folder, signal);
    await program.load(place, channel);
  } catch (error) {
    channel.close();
    throw error;
  }
  return { kind, endpoint: `unix://${socketIn(folder)}`, channel, runtime };
}

async function start(command: string, argv: readonly string[], { folder, programs }: Place): Promise<void> {
  const log = await open(join(folder, 'runtime.log'), 'a');
  const path = [programs, process.env['PATH']].filter((each) => each !== undefined).join(':');
  const child = spawn(command, argv, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    // Shims and monitors are found by it.
    env: { ...process.env, PATH: path },
  });
  // A program that cannot be started shows as a CRI that never answers.
  child.once('error', () => undefined);
  child.unref();
  await log.close();
}

async function answering(
  runtime: StartedRuntime['runtime'],
  kind: RuntimeKind,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = systemClock.monotonic() + START_DEADLINE_MS;
  for (;;) {
    const failure = await runtime.version({}).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (systemClock.monotonic() > deadline) {
      const tail = (await readFile(join(folder, 'runtime.log'), 'utf8')).split('\n').slice(-8).join('\n');
      throw new Error(`${kind} does not answer; its log ends:\n${tail}`, { cause: failure });
    }
    await systemClock.sleep(50, signal);
  }
}
