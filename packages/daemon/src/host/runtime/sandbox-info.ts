/** What containerd and CRI-O say in a verbose status: a sandbox's network namespace and DNS servers, a container's process. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { parseResolvConf } from '../../proxy/dns/resolv-conf.ts';
import type { DnsView } from '../../contract/host.ts';

const infoSchema = z.object({
  pid: z.number().int().optional().catch(undefined),
  runtimeType: z.string().optional().catch(undefined),
  runtimeSpec: z
    .object({
      annotations: z.record(z.string(), z.string()).default({}),
      linux: z.object({ namespaces: z.array(z.object({ type: z.string(), path: z.string().optional() })) }),
    })
    .optional()
    .catch(undefined),
  config: z
    .object({
      dns_config: z.object({
        servers: z.array(z.string()).default([]),
        searches: z.array(z.string()).default([]),
        options: z.array(z.string()).default([]),
      }),
    })
    .optional()
    .catch(undefined),
});

/**
 * Where the network namespace can be opened: the path that the runtime keeps it at, or that of the sandbox's process.
 * Absent when the runtime says neither. `info` is the JSON under the key `info` of PodSandboxStatusResponse.
 */
export function networkNamespacePath(info: string | undefined): string | undefined {
  const parsed = infoSchema.safeParse(parseJson(info));
  if (!parsed.success) return undefined;
  const { pid = 0, runtimeSpec } = parsed.data;
  const network = runtimeSpec?.linux.namespaces.find(({ type }) => type === 'network');
  if (network?.path !== undefined && network.path !== '') return network.path;
  return pid > 0 ? `/proc/${pid}/ns/net` : undefined;
}

/** The DNS servers that the kubelet gave the pod. Absent when the runtime does not tell, or there are none. */
export function dnsView(info: string | undefined): DnsView | undefined {
  const parsed = infoSchema.safeParse(parseJson(info));
  const dns = parsed.success ? parsed.data.config?.dns_config : undefined;
  const servers = dns?.servers.filter((server) => isIP(server) !== 0) ?? [];
  if (dns === undefined || servers.length === 0) return undefined;
  return {
    servers,
    searches: dns.searches.map((domain) => domain.toLowerCase().replace(/\.$/, '')),
    ndots: ndotsOf(dns.options),
  };
}

/** Where CRI-O keeps the resolv.conf of a sandbox, on the node: it tells nothing else of what the kubelet asked for. */
const RESOLV_PATH = 'io.kubernetes.cri-o.ResolvPath';

/** The path of the resolv.conf of the pod on its node. Absent when the runtime does not tell: containerd. */
export function resolvConfPath(info: string | undefined): string | undefined {
  const parsed = infoSchema.safeParse(parseJson(info));
  const path = parsed.data?.runtimeSpec?.annotations[RESOLV_PATH];
  return path?.startsWith('/') === true ? path : undefined;
}

/** What a resolv.conf says. Absent when it names no server. */
export function viewOf(resolvConf: string): DnsView | undefined {
  const { resolvers, searches } = parseResolvConf(resolvConf);
  const options = resolvConf.split('\n').flatMap((line) => (line.startsWith('options') ? line.split(/\s+/) : []));
  return resolvers.length === 0 ? undefined : { servers: resolvers, searches, ndots: ndotsOf(options) };
}

/** For example `io.containerd.runc.v2`. Absent when the runtime does not tell: CRI-O. */
export function runtimeTypeOf(info: string | undefined): string | undefined {
  return infoSchema.safeParse(parseJson(info)).data?.runtimeType;
}

/** resolv.conf(5): one dot, if nothing else is said, and fifteen at most. */
export function ndotsOf(options: readonly string[]): number {
  const said = options.findLast((option) => /^ndots:\d{1,3}$/.test(option));
  return said === undefined ? 1 : Math.min(15, Number(said.slice('ndots:'.length)));
}

const containerSchema = z.object({ pid: z.number().int().positive() });

/** The first process of a container, from the JSON under the key `info` of ContainerStatusResponse. */
export function containerPid(info: string | undefined): number | undefined {
  return containerSchema.safeParse(parseJson(info)).data?.pid;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
