/** Which addresses are a machine's own affair: itself, its link, and what its cloud tells it about itself. Pure. */
import ipaddr from 'ipaddr.js';
import { isWithin, parseCidr, type Cidr } from './network.ts';

/**
 * Where clouds serve a machine its metadata, its credentials among them, beside 169.254.0.0/16 and fe80::/10. A list of what the clouds
 * document, and no proof that there is no other.
 */
const METADATA = [
  // Alibaba Cloud
  '100.100.100.200',
  'fd00:100::100:200',
  // Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  '168.63.129.16',
  // Oracle Cloud
  '192.0.0.192',
  'fd00:c1::a9fe:a9fe',
  // AWS, with EKS Pod Identity (::23): https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html
  'fd00:ec2::/32',
  // Google Cloud, machines that have IPv6 only
  'fd20:ce::254',
  // Scaleway: https://cloudinit.readthedocs.io/en/latest/reference/datasources/scaleway.html
  'fd00:42::42',
  // Akamai: https://cloudinit.readthedocs.io/en/latest/reference/datasources/akamai.html
  'fd00:a9fe:a9fe::1',
].map(networkOf);

/**
 * How networks write an IPv4 address in an IPv6 one: which, and where its bytes are. The eighth byte of NAT64 is empty
 * (https://www.rfc-editor.org/rfc/rfc6052#section-2.2).
 */
const EMBEDDED: readonly (readonly [network: Cidr, ...positions: readonly (readonly number[])[]])[] = [
  // NAT64: the well-known prefix, and the one for local use, in which a cluster chooses the length.
  [networkOf('64:ff9b::/96'), [12, 13, 14, 15]],
  [networkOf('64:ff9b:1::/48'), [6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]],
  // IPv4-translated and, long deprecated, IPv4-compatible; IPv4-mapped is IPv4 wherever addresses are read.
  [networkOf('::ffff:0:0:0/96'), [12, 13, 14, 15]],
  [networkOf('::/96'), [12, 13, 14, 15]],
  // 6to4
  [networkOf('2002::/16'), [2, 3, 4, 5]],
];

function networkOf(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text} ${parsed.wrong}`);
  return parsed.value;
}

/**
 * Whether an address is of this machine, of this link, or of its cloud's metadata: loopback, link-local, unspecified, which reaches loopback,
 * and {@link METADATA}; also where such an IPv4 address is written in an IPv6 one, which a translator of the network undoes.
 */
export function isLocalAddress(text: string): boolean {
  const parsed = parseCidr(text.replace(/%.*$/, ''));
  // What is no address is let through nowhere.
  if (!parsed.ok) return true;
  const { address } = parsed.value;
  const plain = ipaddr.parse(address);
  if (['loopback', 'linkLocal', 'unspecified'].includes(plain.range()) || isIn(METADATA, address)) return true;
  // All of 0.0.0.0/8 is this host (RFC 1122, 3.2.1.3).
  const bytes = plain.toByteArray();
  if (bytes.length === 4) return bytes[0] === 0;
  const written = EMBEDDED.filter(([network]) => isWithin(network, address)).flatMap(([, ...positions]) =>
    positions.map((at) => at.map((index) => bytes[index])),
  );
  // One that begins with 0 is none: where a shorter prefix would have it, a longer one has nothing.
  return written.some((ipv4) => ipv4[0] !== 0 && isLocalAddress(ipv4.join('.')));
}

function isIn(networks: readonly Cidr[], address: string): boolean {
  return networks.some((network) => isWithin(network, address));
}
