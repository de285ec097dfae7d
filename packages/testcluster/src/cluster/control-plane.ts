/** The control plane: etcd, API server, controller manager and scheduler as processes in the cluster's own network namespace. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@chaosplane/testkit/eventually';
import { ask } from './api.ts';
import { makeAuthority, makeCertificate, writeKubeconfig } from './certificates.ts';
import { markOf } from './folder.ts';
import { backgroundProcess, killBackground, startBackground } from './processes.ts';
import { addressPlan } from './ranges.ts';

/** What the parts of a cluster need to know of it. */
export interface Place {
  readonly folder: string;
  readonly number: number;
  /** The folder with the programs. */
  readonly programs: string;
}

const API_SERVER = 'kube-apiserver';

/** Makes certificates and kubeconfigs, among them `admin.kubeconfig`. */
export async function prepareControlPlane({ folder, number }: Place, name: string): Promise<void> {
  const plan = addressPlan(number);
  await makeAuthority(folder);
  const api = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const names = [...api, 'localhost', '127.0.0.1', plan.apiService, plan.controlPlane];
  await makeCertificate(folder, { file: 'apiserver', commonName: 'kube-apiserver', names });
  await makeCertificate(folder, { file: 'admin', commonName: 'admin', organization: 'system:masters' });
  for (const file of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy'])
    await makeCertificate(folder, { file, commonName: `system:${file}` });
  for (const file of ['admin', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'])
    await writeKubeconfig(folder, file, serverOf(number), name);
}

export const serverOf = (number: number): string => `https://${addressPlan(number).controlPlane}:6443`;

/** Starts what is not running; resolves when the API server is ready. */
export async function startControlPlane(place: Place, signal?: AbortSignal): Promise<void> {
  await startIfDead(place, 'etcd', etcdFlags(place));
  await startIfDead(place, API_SERVER, apiServerFlags(place));
  await waitForApi(place, signal);
  await startIfDead(place, 'kube-controller-manager', controllerManagerFlags(place));
  await startIfDead(place, 'kube-scheduler', ['--kubeconfig=kube-scheduler.kubeconfig', '--leader-elect=false']);
}

async function waitForApi({ folder, number }: Place, signal: AbortSignal | undefined): Promise<void> {
  const ready = async (): Promise<boolean> => {
    for (const name of ['etcd', API_SERVER])
      if ((await backgroundProcess(folder, name)) === undefined) {
        const log = await readFile(join(folder, 'log', `${name}.log`), 'utf8');
        throw new Error(`${name} ended; its last words: ${log.trim().split('\n').slice(-3).join('\n')}`);
      }
    return (await ask(folder, number, '/readyz'))?.status === 200;
  };
  await eventually('the API server is ready', ready, { withinMs: 60_000, everyMs: 100, signal });
}

/** SIGKILL to the API server only: the rest sees an outage. */
export async function killApiServer({ folder }: Place): Promise<void> {
  await killBackground(folder, API_SERVER);
}

async function startIfDead({ folder, number, programs }: Place, name: string, flags: readonly string[]): Promise<void> {
  if ((await backgroundProcess(folder, name)) !== undefined) return;
  const mark = markOf(number);
  // nsenter and not `ip netns exec`, which would leave the process in a mount namespace of its own.
  const argv = ['nsenter', `--net=/run/netns/${mark}`, '--', join(programs, name), ...flags];
  await startBackground({ folder, name, argv, cgroup: `${mark}/control` });
}

const etcdFlags = ({ folder }: Place): string[] => [
  `--data-dir=${join(folder, 'etcd')}`,
  // Nothing of a test cluster is worth waiting for the disk.
  '--unsafe-no-fsync',
  '--log-level=warn',
];

function apiServerFlags({ number }: Place): string[] {
  const plan = addressPlan(number);
  return [
    '--etcd-servers=http://127.0.0.1:2379',
    `--advertise-address=${plan.controlPlane}`,
    '--tls-cert-file=pki/apiserver.crt',
    '--tls-private-key-file=pki/apiserver.key',
    '--client-ca-file=pki/ca.crt',
    '--service-account-key-file=pki/sa.crt',
    '--service-account-signing-key-file=pki/sa.key',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-cluster-ip-range=${plan.services}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--kubelet-client-certificate=pki/admin.crt',
    '--kubelet-client-key=pki/admin.key',
    '--kubelet-certificate-authority=pki/ca.crt',
    '--kubelet-preferred-address-types=InternalIP',
    // Webhooks are called at their pods: there is no kube-proxy beside the API server.
    '--enable-aggregator-routing=true',
    // Pods of a dead node are replaced soon enough for a test.
    '--default-not-ready-toleration-seconds=15',
    '--default-unreachable-toleration-seconds=15',
  ];
}

const controllerManagerFlags = (_: Place): string[] => [
  '--kubeconfig=kube-controller-manager.kubeconfig',
  '--service-account-private-key-file=pki/sa.key',
  '--root-ca-file=pki/ca.crt',
  '--cluster-signing-cert-file=pki/ca.crt',
  '--cluster-signing-key-file=pki/ca.key',
  '--use-service-account-credentials=true',
  '--leader-elect=false',
  '--node-monitor-period=1s',
  '--node-monitor-grace-period=6s',
];
