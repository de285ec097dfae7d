/** The names and numbers by which the proxies' traces in a network namespace are recognised. */

/** Our inet table of redirects. It has the flag `owner`: the kernel removes it when the daemon dies, however it dies. */
export const PROXY_TABLE = 'chaosplane_proxy';

/**
 * An empty table that no process owns. While it is there, conntrack goes on translating the connections that were redirected, so
 * that the kernel can tell their clients when the daemon was killed: the owner's table may be gone before the sockets are.
 */
export const HOLD_TABLE = 'chaosplane_hold';

/** The bits of the packet mark and of the conntrack mark that are the proxies'; those of the layers are beside them. */
export const PROXY_MASK = 0x0300_0000;

/** What a proxy sends by itself: no redirect takes it again. */
export const UPSTREAM = 0x0100_0000;

/** The same, and from the client's own address: its answers have to be brought back to the proxy. */
export const TRANSPARENT = 0x0200_0000;

/** Answers on their way back to a proxy: the policy rule sends them to the loopback device. */
export const RETURNING = 0x0300_0000;

/** In conntrack only: queries that were redirected, so that these flows can be told apart and forgotten. */
export const REDIRECTED_QUERY = 0x0300_0000;

/** Conntrack zone of the connections from a proxy to the application, which have the addresses of those to the proxy. */
export const PROXY_ZONE = 0xc4a0;

/** The routing table whose one route takes everything to the loopback device. */
export const ROUTE_TABLE = 0xc4a0;

/** Preference of the policy rule that leads there: before the main table's 32766. */
export const RULE_PREFERENCE = 0x4a0;
