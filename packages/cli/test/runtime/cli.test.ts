/** The chaosplane command as a user types it, on real pods. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestbed, fingerprint, runtimeOf, type Pod, type Testbed } from '@chaosplane/testbed';
import { execa } from 'execa';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

let testbed: Testbed;
let folder: string;
let web: Pod;
let before: string;

beforeAll(async () => {
  const runtime = runtimeOf(process.env);
  testbed = await createTestbed(runtime === undefined ? {} : { runtime });
  folder = await mkdtemp(join(tmpdir(), 'chaosplane-cli-'));
  web = await testbed.runPod({ name: 'web', labels: { app: 'web' }, containers: [{ name: 'web', args: ['serve'] }] });
  await testbed.runPod({ name: 'other', containers: [{ name: 'other', args: ['pause'] }] });
  before = await fingerprint(web.netnsPath!);
}, 180_000);

const started: { kill(signal: 'SIGKILL'): boolean }[] = [];

afterEach(() => {
  // What a failed test left running must not answer the next one.
  for (const running of started.splice(0)) running.kill('SIGKILL');
});

afterAll(async () => {
  await testbed.close();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

type Chaosplane = ReturnType<typeof chaosplane>;

function chaosplane(...args: string[]) {
  const surroundings = ['--socket', join(folder, 'run', 'daemon.sock')];
  const engine = ['--state-dir', join(folder, 'state'), '--runtime-endpoint', testbed.runtimeEndpoint];
  const takesEngine = ['run', 'explain', 'recover', 'daemon'].includes(args[0] ?? '');
  const running = execa(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...args, ...surroundings, ...(takesEngine ? engine : [])],
    {
      reject: false,
      env: { NODE_OPTIONS: '' },
    },
  );
  started.push(running);
  return running;
}

/** What is the same in every plan. */
const firstLines = (text: string): string[] => text.split('\n').slice(0, 6);

async function experiment(name: string, spec: object): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  const target = { labelSelector: { matchLabels: { app: 'web' } } };
  const document = { apiVersion: 'chaos.chaosplane.io/v1alpha1', kind: 'ChaosExperiment', metadata: { name } };
  await writeFile(file, JSON.stringify({ ...document, spec: { target, ...spec } }));
  return file;
}

const partition = { action: { type: 'network-partition', parameters: { targetCidr: '10.99.0.0/16' } } };

const partition1s = { ...partition, duration: '1s' };

/** Resolves once the running command has printed what is wanted. */
function printed(running: Chaosplane, wanted: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
      if (wanted.test(text)) resolve();
    };
    running.stdout.on('data', take);
    running.stderr.on('data', take);
    void running.then(() => reject(new Error(`it ended and never said ${String(wanted)}: ${text}`)));
  });
}

describe('chaosplane run', () => {
  test('runs an experiment to its end, tells each phase and the evidence, and exits with 3 where nothing came by', async () => {
    const { exitCode, stdout } = await chaosplane('run', await experiment('calm', { ...partition, duration: '1s' }));
    for (const phase of ['SteadyStateChecking', 'Running', 'Completing', 'Recovering', 'Completed'])
      expect(stdout).toContain(phase);
    expect(stdout).toContain('EffectObserved=Unknown: verified on 0 of 1 targets: nothing in scope came by');
    expect(exitCode).toBe(3);
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 120_000);

  test('prints one JSON document a line when asked', async () => {
    const { stdout } = await chaosplane(
      'run',
      await experiment('json', { ...partition, duration: '1s' }),
      '-o',
      'json',
    );
    const events = stdout.split('\n').map((text) => JSON.parse(text) as { type: string; status: { phase: string } });
    expect(events.at(-1)).toMatchObject({ type: 'result', status: { phase: 'Completed' } });
  }, 120_000);

  test('a dry run tells the targets, why others are spared, and every command, and changes nothing', async () => {
    const file = await experiment('dry', {
      action: { type: 'network-delay', parameters: { latency: '10ms' } },
      duration: '1s',
    });
    const { exitCode, stdout } = await chaosplane('run', file, '--dry-run');
    expect(stdout).toContain('not chosen: default/other: label app=web does not match');
    expect(stdout).toMatch(/targets: 1 of \d+ pods\n {2}● default\/web\n/);
    expect(stdout).toMatch(/nft \(in process\)\n\s+add table/);
    expect(exitCode).toBe(0);
    const explained = await chaosplane('explain', file);
    expect([explained.exitCode, firstLines(explained.stdout)]).toEqual([0, firstLines(stdout)]);
    const { stdout: json } = await chaosplane('explain', file, '-o', 'json');
    expect(JSON.parse(json)).toMatchObject({
      type: 'result',
      experiment: 'dry',
      status: { targets: [{ name: 'web' }] },
    });
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 120_000);

  test('interrupted, undoes everything, and says so', async () => {
    const running = chaosplane('run', await experiment('long', { ...partition, duration: '10m' }));
    await printed(running, /Running, 1 injected/);
    expect(await fingerprint(web.netnsPath!)).not.toBe(before);
    running.kill('SIGINT');
    running.kill('SIGINT');
    const { exitCode, stdout } = await running;
    expect(stdout).toContain('undoing the experiment');
    expect(stdout).toContain('Aborted, Inconclusive: interrupted by SIGINT');
    expect(exitCode).toBe(3);
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 120_000);

  test('undoes everything when the reader of its output goes away, as head does', async () => {
    const running = chaosplane('run', await experiment('piped', { ...partition, duration: '10m' }));
    await printed(running, /piped: /);
    running.stdout.destroy();
    const { exitCode, stderr } = await running;
    expect([exitCode, stderr]).toEqual([3, expect.not.stringContaining('EPIPE')]);
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 120_000);

  test('killed, leaves an execution that recover finds and undoes', async () => {
    const running = chaosplane('run', await experiment('killed', { ...partition, duration: '10m' }));
    await printed(running, /Running, 1 injected/);
    running.kill('SIGKILL');
    await running;
    expect(await fingerprint(web.netnsPath!)).not.toBe(before);
    const { stdout, exitCode } = await chaosplane('recover', '--all');
    expect(stdout).toContain('1 undone');
    expect(exitCode).toBe(0);
    expect(await fingerprint(web.netnsPath!)).toBe(before);
    expect((await chaosplane('recover', '--all')).stdout).toContain('nothing was left to undo');
  }, 120_000);

  test('with no pod that fits could not run, and says why each was spared', async () => {
    const target = { names: ['nobody'] };
    const { exitCode, stdout } = await chaosplane(
      'run',
      await experiment('nobody', { ...partition, duration: '1s', target }),
    );
    expect(stdout).toContain('not among the names');
    expect(exitCode).toBe(2);
  }, 120_000);

  test('stresses this machine as a node, by the name that it has, or by any', async () => {
    const action = { type: 'stress-cpu', parameters: { load: 5 } };
    const node = { kind: 'Node', labelSelector: {} };
    const file = await experiment('node', { target: node, action, duration: '1s' });
    const { exitCode, stdout } = await chaosplane('run', file);
    expect(stdout).toContain(`✓ node ${hostname()}  recovered`);
    expect(stdout).toContain('EffectObserved=True: verified on 1 of 1 targets');
    expect(exitCode).toBe(0);
    const named = { kind: 'Node', names: [hostname()] };
    const dry = await chaosplane(
      'run',
      await experiment('named', { target: named, action, duration: '1s' }),
      '--dry-run',
    );
    expect(dry.stdout).toContain(`● node ${hostname()}`);
    expect(dry.exitCode).toBe(0);
  }, 60_000);

  test('refuses another node than this machine, and a restart of this one, with the way out', async () => {
    const elsewhere = {
      target: { kind: 'Node', names: ['elsewhere'] },
      action: { type: 'stress-cpu' },
      duration: '1s',
    };
    const other = await chaosplane('run', await experiment('elsewhere', elsewhere));
    expect(other.stderr).toContain(`this machine is the node ${hostname()}, which is not among the names elsewhere`);
    expect(other.stderr).toContain('--cluster');
    expect(other.exitCode).toBe(2);
    const restart = { target: { kind: 'Node', labelSelector: {} }, action: { type: 'node-restart' }, duration: '1s' };
    // Only ever as a dry run: should it not be refused, this machine stays up.
    const refused = await chaosplane('run', await experiment('restart', restart), '--dry-run');
    expect(refused.stdout).toContain('this node does not allow to be restarted');
    expect(refused.stdout).toContain('--allow-node-restart');
    expect(refused.exitCode).toBe(2);
  }, 60_000);

  test('a bad file is refused with every problem and without a stack', async () => {
    const file = await experiment('bad', {
      action: { type: 'network-loss', parameters: { percent: '150%' } },
      duration: '5',
    });
    const { exitCode, stderr } = await chaosplane('run', file);
    expect(stderr).toContain('spec.action.parameters.percent');
    expect(stderr).toContain('spec.duration');
    expect(stderr).not.toContain('    at ');
    expect(exitCode).toBe(2);
  }, 120_000);
});

describe('a daemon', () => {
  test('tells doctor whether it may restart its node, and without one nothing may', async () => {
    const runtime = ['--runtime-endpoint', testbed.runtimeEndpoint];
    const alone = await chaosplane('doctor', ...runtime);
    expect(alone.stdout).toMatch(
      /–  node-restart +this node does not allow to be restarted: .*daemon\.allowNodeRestart/,
    );
    const json = await chaosplane('doctor', ...runtime, '--output', 'json');
    const { actions } = JSON.parse(json.stdout) as {
      actions: { supported: boolean; engine?: string; here: boolean }[];
    };
    // What is not allowed is no lack.
    const lacks = actions.some(({ supported, engine, here }) => here && !supported && engine === undefined);
    expect(alone.exitCode).toBe(lacks ? 1 : 0);
    const daemon = chaosplane('daemon', '--allow-node-restart');
    await printed(daemon, /daemon serving/);
    expect((await chaosplane('doctor', ...runtime)).stdout).toMatch(/✓  node-restart +by reboot/);
    daemon.kill('SIGTERM');
    await daemon;
  }, 60_000);

  test('is seen and told by commands in other terminals, and keeps what is active when it stops', async () => {
    const daemon = chaosplane('daemon');
    await printed(daemon, /daemon serving/);
    const running = chaosplane('run', await experiment('shared', { ...partition, duration: '10m' }));
    await printed(running, /Running, 1 injected/);
    const listed = await chaosplane('list', '-o', 'json');
    const [{ executionId } = { executionId: '' }] = JSON.parse(listed.stdout) as { executionId: string }[];
    expect((await chaosplane('get', executionId)).stdout).toMatch(/verdict +no traffic/);
    const second = await chaosplane('daemon');
    expect(second.stderr).toContain('another daemon');
    daemon.kill('SIGTERM');
    await daemon;
    expect(await fingerprint(web.netnsPath!)).not.toBe(before);
    const next = chaosplane('daemon');
    await printed(next, /daemon serving/);
    expect((await chaosplane('cancel', executionId)).stdout).toContain('nothing of it is left');
    const { exitCode, stdout } = await running;
    expect(stdout).toContain('ended early: cancelled');
    expect(exitCode).toBe(3);
    next.kill('SIGTERM');
    await next;
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 60_000);

  test('that is not there is named, with the way out', async () => {
    for (const words of [['list'], ['get', 'x'], ['cancel', 'x']]) {
      const { exitCode, stderr } = await chaosplane(...words);
      expect(stderr).toContain(`no daemon answers on ${join(folder, 'run', 'daemon.sock')}: chaosplane recover --all`);
      expect(exitCode).toBe(2);
    }
  }, 120_000);

  test('that hangs is named, and nothing works beside it; once it is ended, recover undoes what it has left', async () => {
    const daemon = chaosplane('daemon');
    await printed(daemon, /daemon serving/);
    const running = chaosplane('run', await experiment('hung', { ...partition, duration: '10m' }));
    await printed(running, /Running, 1 injected/);
    running.kill('SIGKILL');
    const during = await fingerprint(web.netnsPath!);
    daemon.kill('SIGSTOP');
    const asked = [['list'], ['cancel', 'x'], ['recover', '--all'], ['run', await experiment('next', partition1s)]];
    for (const { exitCode, stdout, stderr } of await Promise.all(asked.map((words) => chaosplane(...words)))) {
      expect(stderr).toContain('does not answer yet: waiting');
      expect(stderr).toContain('did not answer within 10 s, so it hangs or its node is overloaded: restart it');
      expect([exitCode, stdout]).toEqual([2, '']);
    }
    expect(await fingerprint(web.netnsPath!)).toBe(during);
    daemon.kill('SIGKILL');
    await daemon;
    const recovered = await chaosplane('recover', '--all');
    expect(recovered.stderr).toContain(`this process undoes what the journal in ${join(folder, 'state')} knows`);
    expect(recovered).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 undone') });
    expect(await fingerprint(web.netnsPath!)).toBe(before);
  }, 90_000);
});
