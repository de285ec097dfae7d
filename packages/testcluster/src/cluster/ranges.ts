/** A cluster's addresses: all in one 10.X.0.0/16, where X is the number that the cluster has claimed. Pure. */

/** Numbers that a cluster may claim; the test beds use 10.201 and above. */
export const FIRST_NUMBER = 64;
export const LAST_NUMBER = 127;

/** As many as the plan has room for. */
export const MOST_NODES = 100;

/** Where everything of one cluster is. */
export interface AddressPlan {
  readonly all: string;
  /** The control plane's address: API server, and router between host, nodes and pods. */
  readonly controlPlane: string;
  /** The host's own end. */
  readonly host: string;
  readonly services: string;
  readonly apiService: string;
  readonly dnsService: string;
  readonly allPods: string;
  /** The address of node `index`, counted from 1. */
  node(index: number): string;
  /** The pods of node `index`. */
  pods(index: number): string;
}

/** The plan of cluster `number`. Pods are apart from nodes, because kube-proxy masquerades what does not come from a pod. */
export function addressPlan(number: number): AddressPlan {
  const base = `10.${number}`;
  return {
    all: `${base}.0.0/16`,
    controlPlane: `${base}.0.1`,
    host: `${base}.0.254`,
    services: `${base}.64.0/20`,
    apiService: `${base}.64.1`,
    dnsService: `${base}.64.10`,
    allPods: `${base}.128.0/17`,
    node: (index) => `${base}.0.${10 + index}`,
    pods: (index) => `${base}.${128 + index}.0/24`,
  };
}

/** Whether two IPv4 ranges such as `10.0.0.0/8` share an address. A range without a length is one address. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [parse(one), parse(other)];
  const shift = 32 - Math.min(a.length, b.length);
  return Math.floor(a.address / 2 ** shift) === Math.floor(b.address / 2 ** shift);
}

function parse(range: string): { address: number; length: number } {
  const [address = '', length = '32'] = range.split('/');
  return { address: address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), length: Number(length) };
}

/**
 * The numbers whose range touches none of `routes`, in order. A route wider than a /16 is left alone: ours is more
 * specific than it.
 */
export function freeNumbers(routes: readonly string[]): readonly number[] {
  const narrow = routes.filter((route) => /^[\d./]+$/.test(route) && parse(route).length >= 16);
  return Array.from({ length: LAST_NUMBER - FIRST_NUMBER + 1 }, (_, at) => FIRST_NUMBER + at).filter(
    (number) => !narrow.some((route) => overlap(route, addressPlan(number).all)),
  );
}
