/** What other tools (Chaos Mesh, Litmus, ChaosBlade, Pumba) call the actions and parameters that are here. Pure. */
import { nearest } from './suggest.ts';

/** Small letters and digits alone: `NETWORK_LATENCY`, `network-latency` and `networkLatency` are one name. */
const bare = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** By each name there, compared without capitals and signs: what is here, one of several according to the action. */
function table(rows: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, string[]>();
  for (const [here, there] of Object.entries(rows))
    for (const name of there.split(' ')) result.set(bare(name), [...(result.get(bare(name)) ?? []), here]);
  return result;
}

const ACTIONS = table({
  'network-delay': 'pod-network-latency network-latency latency delay netem netem-delay NetworkChaos pod-network-delay',
  'network-loss': 'pod-network-loss packet-loss loss netem-loss iptables-loss',
  'network-corrupt': 'pod-network-corruption network-corruption corrupt corruption netem-corrupt',
  'network-duplicate': 'pod-network-duplication network-duplication duplicate duplication netem-duplicate',
  'network-partition': 'pod-network-partition partition network-drop drop blackhole network-blackhole',
  'network-bandwidth': 'pod-network-rate-limit rate-limit bandwidth rate netem-rate network-rate',
  'pod-cpu-stress': 'pod-cpu-hog cpu-hog cpu-fullload cpu-load StressChaos pod-cpu-hog-exec cpu',
  'pod-memory-stress': 'pod-memory-hog memory-hog mem-load pod-memory-hog-exec memory',
  'pod-io-stress': 'pod-iostress disk-burn io',
  'stress-cpu': 'node-cpu-hog node-cpu-fullload node-cpu',
  'stress-memory': 'node-memory-hog node-mem-load node-memory-stress node-memory',
  'pod-kill': 'pod-delete delete-pod PodChaos kill-pod',
  'container-kill': 'docker-kill kill-container process-kill',
  'pod-http-delay': 'pod-http-latency http-latency http-delay HTTPChaos',
  'pod-http-abort': 'pod-http-reset-peer pod-http-status-code http-abort reset-peer http-status-code',
  'pod-dns-error': 'dns-error DNSChaos pod-dns-chaos dns',
  'node-restart': 'node-reboot reboot',
  'node-drain': 'drain drain-node node-cordon cordon evict',
  'node-taint': 'taint taint-node',
});

const PARAMETERS = table({
  latency: 'delay time NETWORK_LATENCY network-latency delay-time',
  delay: 'latency LATENCY time',
  jitter: 'offset variance',
  percent:
    'loss corrupt duplicate percentage probability toxicity NETWORK_PACKET_LOSS_PERCENTAGE NETWORK_PACKET_CORRUPTION_PERCENTAGE NETWORK_PACKET_DUPLICATION_PERCENTAGE',
  peers:
    'target externalTargets external-targets DESTINATION_IPS DESTINATION_HOSTS destination-ip target-ip ips hosts cidr',
  ports: 'port DESTINATION_PORTS SOURCE_PORTS remote-port local-port egress-port ingress-port',
  port: 'ports TARGET_SERVICE_PORT',
  interface: 'device NETWORK_INTERFACE interfaces',
  rate: 'bandwidth NETWORK_BANDWIDTH limit',
  burst: 'buffer',
  load: 'cpu-percent CPU_LOAD cpuLoad cpu',
  workers: 'CPU_CORES NUMBER_OF_WORKERS cores cpu-count count',
  size: 'MEMORY_CONSUMPTION memory mem-percent FILESYSTEM_UTILIZATION_BYTES bytes',
  path: 'VOLUME_MOUNT_PATH mountPath uri url',
  containerName: 'TARGET_CONTAINER container containerNames container-name container-names',
  gracePeriodSeconds: 'gracePeriod grace-period',
  gracePeriod: 'gracePeriodSeconds',
  signal: 'sig',
  statusCode: 'code status STATUS_CODE http-status',
  reset: 'abort',
  domains: 'patterns TARGET_HOSTNAMES hostnames domain names',
  errorType: 'error action CHAOS_TYPE',
  headers: 'request_headers header',
  method: 'methods',
  spareProbes: 'skipProbes',
  deleteEmptyDirData: 'delete-local-data',
  key: 'TAINTS taint',
});

/** Parameters of other tools that are fields of the experiment here. */
const FIELDS = table({
  'spec.duration': 'duration timeout TOTAL_CHAOS_DURATION',
  'spec.target.names': 'TARGET_PODS pods podNames',
  'spec.target.namespace': 'namespace APP_NAMESPACE',
  'spec.target.labelSelector': 'selector labels APP_LABEL labelSelector',
  'spec.target.mode and value': 'PODS_AFFECTED_PERC evict-count evict-percent mode value',
});

/** The action that is most likely meant by a name that is none; undefined when none is near. */
export function likelyAction(name: string, known: readonly string[]): string | undefined {
  return ACTIONS.get(bare(name))?.find((candidate) => known.includes(candidate)) ?? nearest(name, known);
}

/** The parameter, or the field of the experiment, that is most likely meant. */
export function likelyParameter(name: string, known: readonly string[]): string | undefined {
  const plain = bare(name);
  const same = known.find((candidate) => bare(candidate) === plain);
  if (same !== undefined) return same;
  const meant = PARAMETERS.get(plain)?.find((candidate) => known.includes(candidate));
  return meant ?? FIELDS.get(plain)?.[0] ?? nearest(name, known);
}
