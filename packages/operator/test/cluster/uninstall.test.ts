/** Who may run experiments, what the API server itself refuses, and that nothing is left when ChaosPlane is uninstalled. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { installRelease, uninstallRelease } from '@chaosplane/testcluster/release';
import { chaosExperiments, chaosWorkflows, FINALIZER } from '@chaosplane/api';
import {
  patient,
  install,
  isEffective,
  isOver,
  NAMESPACE,
  SYSTEM,
  type Installation,
} from '@chaosplane/testcluster/installation';
import { eventually } from '@chaosplane/testkit/eventually';
import { requireNamespace } from './restarting.ts';

jest.setTimeout(180_000);

const USER = 'jane';
const cut = { type: 'network-partition', parameters: {} };
const experiment = (spec: object, name = 'asked'): string =>
  JSON.stringify({
    apiVersion: chaosExperiments.apiVersion,
    kind: chaosExperiments.kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  });

let shop: Installation;

beforeAll(async () => {
  // The API server alone, until the webhook is there.
  shop = await install(['admission.webhook.enabled=false']);
  await shop.addApps({ name: 'left', node: 'n1' }, { name: 'right', node: 'n2' });
}, 900_000);
afterAll(() => shop.close(), 60_000);

/** Whether the API server would take it; changes nothing. */
async function ask(input: string, ...more: readonly string[]): Promise<string> {
  const argv = ['apply', '--dry-run=server', '--validate=strict', '-f', '-', ...more];
  return shop.cluster.kubectl(argv, { input }).then(
    () => 'taken',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe('an experiment', () => {
  const good = { target: { names: ['left'] }, action: cut, duration: '1m' };

  test('that makes sense is taken', async () => expect(await ask(experiment(good))).toBe('taken'));

  test.each([
    ['without a duration', { target: { names: ['left'] }, action: cut }, /spec\.duration: Required/],
    ['with a field that there is not', { ...good, duraton: '1m' }, /unknown field "spec\.duraton"/],
    ['without a target', { action: cut, duration: '1m' }, /spec\.target: Required/],
    ['with a number for a duration', { ...good, duration: 60 }, /spec\.duration: Invalid value/],
    [
      'for more targets at once than there may be',
      { ...good, execution: { parallelism: 5000 } },
      /spec\.execution\.parallelism: Invalid value/,
    ],
    [
      'of a target that is chosen by nothing',
      { ...good, target: { mode: 'all' } },
      /give names, labelSelector, or both/,
    ],
    [
      'of a pod, by what hits nodes,',
      { ...good, action: { type: 'node-cpu-stress' } },
      /this action hits nodes: say target\.kind Node/,
    ],
    [
      'of a node, by what hits pods,',
      { ...good, target: { kind: 'Node', names: ['n1'] } },
      /this action hits pods: say target\.kind Pod/,
    ],
  ] as [string, object, RegExp][])('%s is refused by the API server, by name', async (_, spec, words) => {
    expect(await ask(experiment(spec))).toMatch(words);
  });

  test('whose spec is changed once it runs is refused', async () => {
    await shop.apply('running', { ...good, action: { ...cut, parameters: { peers: '192.0.2.1' } } });
    await shop.until('running', isEffective);
    expect(await ask(experiment({ ...good, duration: '2m' }, 'running'))).toMatch(/immutable|cannot be changed/);
    await shop.remove('running');
  });
});

describe('a user who may write experiments', () => {
  const role = (name: string, rule: object): object[] => [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: NAMESPACE },
      rules: [rule],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace: NAMESPACE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'User', name: USER, apiGroup: 'rbac.authorization.k8s.io' }],
    },
  ];
  const grant = async (name: string, rule: object): Promise<void> => {
    await shop.cluster.kubectl(['apply', '-f', '-'], { input: lines(role(name, rule)) });
  };
  const lines = (objects: readonly object[]): string => objects.map((one) => JSON.stringify(one)).join('\n');
  const spec = { target: { names: ['left'] }, action: cut, duration: '1m' };
  const onNode = { target: { kind: 'Node', names: ['n1'] }, action: { type: 'stress-cpu' }, duration: '1m' };

  test('but not delete pods is refused, and told why; and is let in by a RoleBinding', async () => {
    const verbs = ['get', 'list', 'create', 'update', 'patch', 'delete'];
    await grant('experimenter', { apiGroups: ['chaos.chaosplane.io'], resources: ['chaosexperiments'], verbs });
    const refusal = await ask(experiment(spec), `--as=${USER}`);
    expect(refusal).toContain(`user ${USER} may not delete pods in the namespace ${NAMESPACE}`);
    await grant('killer', { apiGroups: [''], resources: ['pods'], verbs: ['delete'] });
    expect(await ask(experiment(spec), `--as=${USER}`)).toBe('taken');
  });

  test('cannot hit another namespace, or nodes, by it', async () => {
    const elsewhere = { ...spec, target: { ...spec.target, namespace: 'kube-system' } };
    expect(await ask(experiment(elsewhere), `--as=${USER}`)).toContain('in the namespace kube-system');
    const taint = { type: 'node-taint', parameters: { key: 'k', effect: 'NoExecute' } };
    for (const action of [onNode.action, { type: 'node-drain' }, taint])
      expect(await ask(experiment({ ...onNode, action }), `--as=${USER}`)).toContain(
        `user ${USER} may not delete nodes`,
      );
  });

  test('cannot hit it by another way to write its name, or in the name of another object, or by a change of what was refused', async () => {
    for (const namespace of ['Kube-System', ' kube-system', 'kube-system '])
      expect(await ask(experiment({ ...spec, target: { ...spec.target, namespace } }), `--as=${USER}`)).toContain(
        `may not delete pods in the namespace ${namespace}`,
      );
    const elsewhere = { ...spec, target: { ...spec.target, namespace: 'kube-system' } };
    await shop.apply('parent', { ...spec, target: { names: ['not-there'] } });
    const { metadata } = await shop.until('parent', isOver);
    const { apiVersion, kind } = chaosExperiments;
    const owner = { apiVersion, kind, name: 'parent', uid: metadata.uid, controller: true };
    const child = { ...(JSON.parse(experiment(elsewhere)) as { metadata: object }), metadata: {} };
    const forged = { ...child, metadata: { name: 'child', namespace: NAMESPACE, ownerReferences: [owner] } };
    expect(await ask(JSON.stringify(forged), `--as=${USER}`)).toContain('in the namespace kube-system');
    // It may be corrected in place, by who has the rights for that.
    expect(await ask(experiment(elsewhere, 'parent'), `--as=${USER}`)).toContain('in the namespace kube-system');
    await shop.remove('parent');
  });

  test('cannot have read what may not be read: pods of other namespaces as peers, a Secret in a probe', async () => {
    const peers = [{ podSelector: { namespace: 'kube-system', labelSelector: {} } }];
    expect(await ask(experiment({ ...spec, peers }), `--as=${USER}`)).toContain(`user ${USER} may not list pods`);
    const headers = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'token', key: 'k' } } }];
    const steadyState = { before: [{ type: 'http', url: 'http://a/', headers }] };
    expect(await ask(experiment({ ...spec, steadyState }), `--as=${USER}`)).toContain('may not get the Secret token');
  });

  test('is let in to nodes by the right to delete nodes, and by nothing less', async () => {
    const clusterRole = (verbs: string[]): object[] => [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'node-killer' },
        rules: [{ apiGroups: [''], resources: ['nodes'], verbs }],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'node-killer' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'node-killer' },
        subjects: [{ kind: 'User', name: USER, apiGroup: 'rbac.authorization.k8s.io' }],
      },
    ];
    const may = (verbs: string[]): Promise<string> =>
      shop.cluster.kubectl(['apply', '-f', '-'], { input: lines(clusterRole(verbs)) });
    await may(['get', 'list', 'watch', 'patch', 'update']);
    expect(await ask(experiment(onNode), `--as=${USER}`)).toContain(`user ${USER} may not delete nodes`);
    await may(['delete']);
    // The API server's authorizer follows the roles in its own time.
    await eventually(
      'the user is let in',
      async () => ((await ask(experiment(onNode), `--as=${USER}`)) === 'taken' ? true : undefined),
      patient,
    );
    await shop.cluster.kubectl(['delete', 'clusterrolebinding/node-killer', 'clusterrole/node-killer']);
  });

  test('cannot write the list of targets of the operator, even with all rights in the namespace', async () => {
    await grant('owner', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] });
    await shop.apply('recorded', spec);
    await shop.until('recorded', isEffective);
    // Those of experiments that were deleted before may still wait for the garbage collector.
    const shards = await shop.cluster.kubectl(['get', 'chaosexperimentshards', '-n', NAMESPACE, '-o', 'name']);
    const shard = shards.split('\n').find((name) => name.includes('/recorded-')) ?? 'none was found';
    const patch = (body: object, ...argv: string[]): Promise<string> => {
      const how = ['-n', NAMESPACE, '--type=merge', '--as', USER, '-p', JSON.stringify(body)];
      return shop.cluster.kubectl(['patch', ...argv, ...how]).catch(String);
    };
    const alone = 'the operator alone writes what has become of an experiment';
    expect(await patch({ targets: [] }, shard)).toContain(alone);
    const status = ['chaosexperiment', 'recorded', '--subresource=status'];
    expect(await patch({ status: { phase: 'Pending' } }, ...status)).toContain(alone);
    // Labels are free, as is the deletion of what was let go of.
    expect(await patch({ metadata: { labels: { some: 'label' } } }, shard)).toContain('patched');
    await shop.remove('recorded');
  });
});

test('a node is not restarted unless the chart was told so, and the experiment says how to', async () => {
  await requireNamespace(shop, 'n1');
  const target = { kind: 'Node', names: ['n1'] };
  await shop.apply('refused', { target, action: { type: 'node-restart' }, duration: '1s' });
  const over = await shop.until('refused', isOver);
  expect(over.status).toMatchObject({ phase: 'Failed', targets: [{ name: 'n1', state: 'Missed' }] });
  expect(over.status?.message).toMatch(/does not allow to be restarted: .*daemon\.allowNodeRestart/);
  await shop.remove('refused');
});

test('every problem is told at once, by any replica, with what policies say, and nothing else changes', async () => {
  const bad = experiment({ target: { mode: 'fixed' }, action: { type: 'network-lag' }, duration: '30' });
  expect(await ask(bad)).not.toContain('denied the request');
  await installRelease(shop.cluster, { report: () => undefined });
  const told = async (): Promise<string | undefined> => {
    const words = await ask(bad);
    return words.includes('denied the request') ? words : undefined;
  };
  const words = await eventually('the API server asks', told, patient);
  for (const problem of ['4 problems:', 'nothing says which targets', 'needs a value', 'no unit', '"network-lag"'])
    expect(words).toContain(problem);
  const holder = ['get', 'lease', 'chaosplane-operator', '-n', SYSTEM, '-o', 'jsonpath={.spec.holderIdentity}'];
  const pod = await eventually('a replica leads', () => shop.cluster.kubectl(holder), {
    ...patient,
    is: (name) => name !== '',
  });
  await shop.cluster.kubectl(['delete', 'pod', pod, '-n', SYSTEM, '--wait=false']);
  const stop = { apiVersion: chaosExperiments.apiVersion, kind: 'BlastRadiusPolicy', metadata: { name: 'stop' } };
  const spec = { scope: { namespaces: [NAMESPACE] }, halt: true };
  await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ ...stop, spec }) });
  const halted = experiment({ target: { names: ['left'] }, action: cut, duration: '1s' });
  for (let asked = 0; asked < 5; asked++) {
    await eventually('it is asked again', told, patient);
    await eventually('it tells what the policy says', async () => (await ask(halted)).includes('rule halt'), patient);
  }
  await shop.cluster.kubectl(['delete', 'blastradiuspolicy', 'stop']);
  await shop.apply('fine', { target: { names: ['left'] }, action: cut, duration: '1s' });
  await shop.until('fine', isOver);
  await shop.remove('fine');
});

test('helm uninstall ends what runs: traffic is normal, the namespaces are clean, and only the definitions are left', async () => {
  const urls = { left: `http://right.${NAMESPACE}/`, right: `http://left.${NAMESPACE}/` };
  const answers = async (): Promise<number[]> => {
    const found = await Promise.all((['left', 'right'] as const).map((pod) => shop.probe(pod, [urls[pod]])));
    return found.flat().map(({ answered }) => answered);
  };
  const before = [await shop.print('left'), await shop.print('right')];
  expect(await answers()).toEqual([5, 5]);
  const target = { names: ['left', 'right'], mode: 'all' };
  await shop.apply('cut', { target, action: { ...cut, parameters: { protocol: 'tcp' } }, duration: '10m' });
  await shop.until('cut', isEffective);
  const flow = {
    ...{ apiVersion: chaosWorkflows.apiVersion, kind: chaosWorkflows.kind },
    metadata: { name: 'flow', namespace: NAMESPACE },
    spec: {
      templates: [
        { name: 'long', experiment: { target, action: { ...cut, parameters: { protocol: 'udp' } }, duration: '10m' } },
      ],
      steps: [{ name: 'a', template: 'long', errorHandling: { strategy: 'retry' } }],
      onExit: [{ name: 'b', template: 'long' }],
    },
  };
  await shop.cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(flow) });
  const ofFlow = ['get', 'chaosworkflow', 'flow', '-n', NAMESPACE, '-o'];
  const running = async (): Promise<true | undefined> =>
    (await shop.cluster.kubectl([...ofFlow, 'jsonpath={.status.counts.running}'])) === '1' || undefined;
  await eventually('the workflow runs', running, patient);
  expect(await answers()).toEqual([0, 0]);

  await uninstallRelease(shop.cluster);

  const left = await shop.cluster.kubectl([...ofFlow, 'jsonpath={.status.phase} {.metadata.finalizers}']);
  expect(left.trim()).toBe('Aborted');

  expect(await answers()).toEqual([5, 5]);
  expect([await shop.print('left'), await shop.print('right')]).toEqual(before);
  const over = await shop.get('cut');
  expect(over?.status?.phase).toBe('Aborted');
  expect(over?.metadata.finalizers ?? []).not.toContain(FINALIZER);
  const kinds = 'all,secrets,configmaps,serviceaccounts,roles,rolebindings,leases,networkpolicies,endpointslices';
  const own = await shop.cluster.kubectl(['get', kinds, '-n', SYSTEM, '-o', 'name']);
  // What every namespace has.
  expect(own.split('\n').sort()).toEqual(['configmap/kube-root-ca.crt', 'serviceaccount/default']);
  const wide =
    'mutatingwebhookconfigurations,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,crds';
  const objects = (await shop.cluster.kubectl(['get', wide, '-o', 'name'])).split('\n');
  const definitions = await readdir(join(import.meta.dirname, '../../../../charts/chaosplane/crds'));
  expect(objects.filter((name) => name.includes('chaosplane')).sort()).toEqual(
    definitions
      .map((file) => `customresourcedefinition.apiextensions.k8s.io/${file.replace('.yaml', '.chaos.chaosplane.io')}`)
      .sort(),
  );
  await shop.remove('cut');
});

test('with crds.keep=false, helm uninstall ends what runs, and then removes the definitions with all that is of them', async () => {
  await installRelease(shop.cluster, { report: () => undefined, set: ['crds.keep=false'] });
  const before = [await shop.print('left'), await shop.print('right')];
  const target = { names: ['left', 'right'], mode: 'all' };
  await shop.apply('last', { target, action: cut, duration: '10m' });
  await shop.until('last', isEffective);
  expect([await shop.print('left'), await shop.print('right')]).not.toEqual(before);
  const policy = { apiVersion: chaosExperiments.apiVersion, kind: 'BlastRadiusPolicy', metadata: { name: 'last' } };
  const input = JSON.stringify({ ...policy, spec: { scope: { namespaces: [NAMESPACE] } } });
  await shop.cluster.kubectl(['apply', '-f', '-'], { input });

  await uninstallRelease(shop.cluster);

  expect([await shop.print('left'), await shop.print('right')]).toEqual(before);
  const wide = 'mutatingwebhookconfigurations,clusterroles,clusterrolebindings,validatingadmissionpolicies,crds';
  const left = (await shop.cluster.kubectl(['get', wide, '-o', 'name'])).split('\n');
  expect(left.filter((name) => name.includes('chaosplane'))).toEqual([]);
}, 400_000);
