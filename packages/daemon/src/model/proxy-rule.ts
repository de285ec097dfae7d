/** The vocabulary of HTTP and DNS faults: which requests or queries of a namespace are hit, and what happens to them. */
import type { Spared } from './layer.ts';

/** Requests that arrive at a port of the pod (server), or that the pod makes to that port of others (client). */
export type Side = 'server' | 'client';

/** Which requests are meant. A request must satisfy every part. */
export interface HttpMatch {
  /** A glob over the path, without the query: `*` is anything, `?` is one character. Absent: every path. */
  readonly path?: string;
  /** In upper case. Empty: every method. */
  readonly methods: readonly string[];
  /** Headers that a request must have; the name in lower case, the value a glob. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** What happens to a request. */
export type HttpEffect =
  | { readonly kind: 'delay'; /** Milliseconds. */ readonly delayMs: number }
  | { readonly kind: 'status'; /** 200 to 599. */ readonly status: number }
  | { readonly kind: 'reset' };

/** One HTTP fault of one namespace. */
export interface HttpRule {
  readonly kind: 'http';
  /** A name of [a-z0-9_], unique in the namespace; it names the rule's sets and chains. */
  readonly id: string;
  readonly side: Side;
  /** 1 to 65535: of the pod (server) or of the other end (client). */
  readonly port: number;
  /** `request`: each HTTP/1 request is looked at. `connection`: each connection is hit at its beginning, regardless of what it carries. */
  readonly level: 'request' | 'connection';
  readonly match: HttpMatch;
  /** The share of matching requests that are hit, above 0, up to 100. */
  readonly percent: number;
  readonly effect: HttpEffect;
  /** What becomes of connections that were open before. */
  readonly existing: 'keep' | 'reset';
  /** Absent: nothing is spared. */
  readonly spared?: Spared;
}

/** What a query gets in place of its answer. */
export type DnsAnswer = 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'timeout';

/** One DNS fault of one namespace. */
export interface DnsRule {
  readonly kind: 'dns';
  readonly id: string;
  /** `api.shop`, `*.example.com` or `*`, in lower case; with a dot at the end, search domains are not tried. */
  readonly domains: readonly string[];
  /** The search domains of the pod, in lower case, without a dot at the end. */
  readonly searches: readonly string[];
  /** The resolvers of the pod, IPv4 or IPv6. */
  readonly resolvers: readonly string[];
  readonly answer: DnsAnswer;
  readonly percent: number;
}

/** One fault that a proxy carries out. */
export type ProxyRule = HttpRule | DnsRule;

/** A rule, and how long it may still live. */
export interface TimedRule {
  readonly rule: ProxyRule;
  /** Milliseconds until it ends by itself. */
  readonly remainingMs: number;
}

/** What a proxy has counted for one rule. */
export interface ProxyCounts {
  /** Requests, connections or queries that the proxy looked at. */
  readonly seen: number;
  /** Those that the rule is about. */
  readonly matched: number;
  /** Those that were delayed, answered in place of the application, reset or not answered. */
  readonly faulted: number;
  /** HTTP: connections that were passed on untouched because they are not plain HTTP/1. DNS: queries to other resolvers. */
  readonly passed: number;
  /** New connections that were not redirected, because the proxies had too many. */
  readonly beyond: number;
  /** Connections that were open when the rule came into force, and are left alone. */
  readonly openBefore: number;
}

/** Connections that were open before a rule, and that its proxy leaves alone. */
export interface OpenConnections {
  readonly count: number;
  /** Some of their far ends, `10.0.0.7:40112`. */
  readonly ends: readonly string[];
}

/** Before anything was counted. */
export const nothingCounted: ProxyCounts = { seen: 0, matched: 0, faulted: 0, passed: 0, beyond: 0, openBefore: 0 };
