/** Which certificates of the authority may command the daemon: those of clients, of one name. */
import { X509Certificate } from 'node:crypto';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { RefusalReason } from './refusals.ts';

/** Extended key usage for TLS clients (RFC 5280, 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/**
 * The caller's certificate, DER; undefined when it gave none, or when its connection has ended before its call is looked at: then
 * `getPeerCertificate()` of Node is null, at which grpc-js 1.14 throws, and the error would end the daemon.
 * @see https://nodejs.org/docs/latest-v20.x/api/tls.html#tlssocketgetpeercertificatedetailed
 */
export function certificateOf(call: Pick<ServerInterceptingCallInterface, 'getAuthContext'>): Buffer | undefined {
  try {
    return call.getAuthContext().sslPeerCertificate?.raw;
  } catch {
    return undefined;
  }
}

/**
 * Why a certificate that the authority has signed is not the client's; undefined when it is. The handshake looks at its end once, and
 * a connection may be kept for longer. `now` in milliseconds since the epoch.
 */
export function whyRefused(der: Buffer, name: string, now: number): RefusalReason | undefined {
  const certificate = new X509Certificate(der);
  // OpenSSL refuses server-only certificates in the handshake, but takes those without any usage.
  // The types do not know that it is undefined then.
  const usages = certificate.keyUsage as readonly string[] | undefined;
  if (usages?.includes(CLIENT_AUTH) !== true) return 'certificate-usage';
  const found = certificate.checkHost(name, { subject: 'never', wildcards: false });
  if (found === undefined) return 'certificate-name';
  return certificate.validToDate.getTime() <= now ? 'certificate-expired' : undefined;
}
