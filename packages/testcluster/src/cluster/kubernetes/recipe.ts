/** Which programs a cluster is made of, in which versions, and how they are compiled. Data only: the cache's key is its hash. */

/** One Go program: the package it is built from, and the module and version of that package. */
export interface Program {
  readonly name: string;
  readonly package: string;
  /** Absent for the programs of Kubernetes, which share one module. */
  readonly version?: string;
}

export const KUBERNETES_VERSION = '1.34.4';

/** Staging modules of Kubernetes 1.N.P are published as 0.N.P. */
export const STAGING_VERSION = `0.${KUBERNETES_VERSION.slice(2)}`;

const kubernetes = (name: string): Program => ({ name, package: `k8s.io/kubernetes/cmd/${name}` });

export const programs: readonly Program[] = [
  kubernetes('kube-apiserver'),
  kubernetes('kube-controller-manager'),
  kubernetes('kube-scheduler'),
  kubernetes('kubelet'),
  kubernetes('kube-proxy'),
  { name: 'etcd', package: 'go.etcd.io/etcd/server/v3', version: 'v3.6.4' },
  { name: 'coredns', package: 'github.com/coredns/coredns', version: 'v1.12.4' },
];

const [major = '', minor = ''] = KUBERNETES_VERSION.split('.');
const stamp = Object.entries({ gitVersion: `v${KUBERNETES_VERSION}`, gitMajor: major, gitMinor: minor }).map(
  ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
);

/** Flags of the linker; a Kubernetes without a version is refused by kubectl and helm. */
export const linkerFlags = { kubernetes: ['-s -w', ...stamp].join(' '), others: '-s -w' };
