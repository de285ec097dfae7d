/** The Event object of what a controller records. */
import { defined } from '@chaosplane/common';
import { events, type KubeEvent } from './kinds.ts';
import { microTime } from './micro-time.ts';
import { shortName, type KubeObject } from './object.ts';

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase: why this is told. */
  readonly reason: string;
  /** One word in CamelCase: what was done. Default: the reason. */
  readonly action?: string;
  /** For people; cut at 1024 bytes. */
  readonly message: string;
}

/** Who records it and when. */
interface Origin {
  /** The controller: `example.io/controller`. */
  readonly component: string;
  /** Which of its instances: the name of the pod. */
  readonly instance: string;
  /** The event's own name. */
  readonly name: string;
  readonly now: number;
}

/** The event as it is written the first time. */
export function eventFor(object: KubeObject, recorded: RecordedEvent, origin: Origin): KubeEvent {
  const { apiVersion, kind, metadata } = object;
  const { name, uid, resourceVersion } = metadata;
  const { type, reason, action = reason, message } = recorded;
  return {
    apiVersion: events.apiVersion,
    kind: events.kind,
    // Events about objects without a namespace live in `default`; the API server wants it so.
    metadata: { namespace: metadata.namespace ?? 'default', name: origin.name },
    eventTime: microTime(origin.now),
    reportingController: origin.component,
    reportingInstance: origin.instance.slice(0, 128),
    action,
    reason,
    type,
    note: cut(message),
    regarding: { apiVersion, kind, name, ...defined({ namespace: metadata.namespace, uid, resourceVersion }) },
  };
}

/** A name of an event about an object. The API server allows 253 characters. */
export const eventName = (name: string, suffix: string): string => `${shortName(name, 236)}.${suffix}`;

/** By what an object is known among those that events are about. */
export const identityOf = ({ kind, metadata: { uid, namespace = '', name } }: KubeObject): string =>
  uid ?? `${kind}/${namespace}/${name}`;

/** The note of an event has at most 1024 bytes. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= 1024) return message;
  // A character cut in two becomes U+FFFD of three bytes.
  return `${bytes
    .subarray(0, 1018)
    .toString()
    .replace(/\uFFFD$/, '')}…`;
}
