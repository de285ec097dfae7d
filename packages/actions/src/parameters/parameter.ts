/** How one parameter is declared: what parses it, and what people are told about it. */
import {
  formatDuration,
  INTERFACE_NAME,
  parseDuration,
  parsePercent,
  refused,
  type Parsed,
} from '@chaosplane/common/pure';
import * as z from 'zod';

/** What the documentation says of a parameter. */
export interface ParameterMeta {
  readonly description: string;
  /** What is allowed, as an error says it. */
  readonly allowed: string;
  /** As people would write it; absent: it is required, or has no value of its own. */
  readonly default?: string;
  /** Other keys that are accepted for it. */
  readonly aliases?: readonly string[];
  /** `list`: a file may give a list, whose items stand between commas. `headers`: a list, or a map of names and values. */
  readonly form?: 'list' | 'headers';
}

/** Where `parameter` keeps its meta. */
export const parameterMeta = z.registry<ParameterMeta>();

/** A parameter that must be given. */
export function required<T>(parse: (text: string) => Parsed<T>, meta: ParameterMeta) {
  const schema = z.string().transform((text, context) => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.wrong, params: { allowed: parsed.allowed } });
    return z.NEVER;
  });
  return schema.register(parameterMeta, meta);
}

/** A parameter that may be left out, and then has no value. */
export function optional<T>(parse: (text: string) => Parsed<T>, meta: ParameterMeta) {
  return required(parse, meta).optional().register(parameterMeta, meta);
}

/** A parameter that may be left out, and then has the value that its meta's default parses to. */
export function defaulted<T>(parse: (text: string) => Parsed<T>, meta: ParameterMeta & { readonly default: string }) {
  return required(parse, meta).prefault(meta.default).register(parameterMeta, meta);
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): (text: string) => Parsed<Word> {
  return (text) => {
    const found = words.find((word) => word === text);
    return found === undefined ? refused(text, 'is not known', words.join(', ')) : { ok: true, value: found };
  };
}

/** `true` or `false`. */
export function parseBoolean(text: string): Parsed<boolean> {
  const parsed = oneOf(['true', 'false'])(text);
  return parsed.ok ? { ok: true, value: parsed.value === 'true' } : parsed;
}

/** A percentage that is more than zero. */
export function parsePositivePercent(text: string): Parsed<number> {
  const parsed = parsePercent(text);
  if (!parsed.ok || parsed.value > 0) return parsed;
  return refused(text, 'would do nothing', 'a percentage above 0, up to 100, such as 25 or 25%');
}

/** A duration in whole microseconds, the finest that is carried out, above 0 and up to a limit. */
export function parseWait(longestMs: number): (text: string) => Parsed<number> {
  const allowed = `more than 0, at most ${formatDuration(longestMs)}, in whole microseconds`;
  return (text) => {
    const parsed = parseDuration(text);
    if (!parsed.ok) return parsed;
    if (parsed.value <= 0) return refused(text, 'would do nothing', allowed);
    if (parsed.value > longestMs) return refused(text, 'is too long', allowed);
    const micros = parsed.value * 1000;
    const fine = Math.abs(micros - Math.round(micros)) > 1e-6 * Math.max(1, micros);
    return fine || micros < 1 ? refused(text, 'is finer than a microsecond', allowed) : parsed;
  };
}

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const NAME_ALLOWED =
  'lower-case letters, digits, - and ., beginning and ending with a letter or digit, at most 253 long';

/** The name of a pod: a DNS subdomain (RFC 1123), as Kubernetes has them. */
export function parsePodName(text: string): Parsed<string> {
  const valid = text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
  return valid ? { ok: true, value: text } : refused(text, 'is not a name', NAME_ALLOWED);
}

/** The name of a namespace or a container: a DNS label (RFC 1123). */
export function parseLabelName(text: string): Parsed<string> {
  if (text.length <= 63 && LABEL.test(text)) return { ok: true, value: text };
  const allowed = 'lower-case letters, digits and -, beginning and ending with a letter or digit, at most 63 long';
  return refused(text, 'is not a name', allowed);
}

/** A network interface: 1 to 15 characters (IFNAMSIZ). */
export function parseInterfaces(text: string): Parsed<readonly string[]> {
  const names = text.split(',').map((name) => name.trim());
  const wellFormed = names.every((name) => INTERFACE_NAME.test(name));
  if (wellFormed) return { ok: true, value: [...new Set(names)] };
  const allowed = 'names of up to 15 letters, digits, ., _ and -, separated by commas, such as eth0';
  return refused(text, 'is no list of interfaces', allowed);
}
