/** Amounts of data and rates as people type them: bytes, and bits a second. */
import { refused, type Parsed } from './quantity.ts';

/** As Kubernetes writes quantities, with the `b` that people add. */
const unitsBytes: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

const bytesAllowed = 'a number of bytes such as 1500, 32k or 256Mi (units k, M, G, Ki, Mi, Gi)';

/** Twenty characters write any sensible amount; more only cost time and precision. */
const LONGEST_TEXT = 20;

/** An amount of data in whole bytes: `1500`, `32k`, `32kb`, `256Mi`. Capitals do not matter. */
export function parseBytes(text: string): Parsed<number> {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(|[kmgKMG]i?)[bB]?$/.exec(text.slice(0, LONGEST_TEXT + 1)) ?? [];
  const factor = unitsBytes[unit.toLowerCase()];
  if (amount === undefined || factor === undefined || text.length > LONGEST_TEXT) {
    return refused(text, text.startsWith('-') ? 'is negative' : 'is not an amount of bytes', bytesAllowed);
  }
  return whole(text, Number(amount) * factor, 'a byte', bytesAllowed);
}

/** A part of a byte or bit is nothing that can be kept or sent; 0.1 + 0.2 of a Mi is. */
function whole(text: string, value: number, smallest: string, allowed: string): Parsed<number> {
  const rounded = Math.round(value);
  if (rounded === 0 && value > 0) return refused(text, `is less than ${smallest}`, allowed);
  return { ok: true, value: rounded };
}

const unitsBits: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

const rateAllowed = 'a rate in bits a second such as 500kbit, 10mbit or 1gbit';

/** A rate in bits a second: `500kbit`, `10mbit`, `1.5gbit`. `mbps` is bytes to tc and bits to people, so it is refused. */
export function parseRate(text: string): Parsed<number> {
  if (text.length > LONGEST_TEXT) return refused(text, 'is not a rate', rateAllowed);
  if (/^\d+(\.\d+)?[kmg]?bps$/i.test(text)) return refused(text, 'may mean bits or bytes', rateAllowed);
  if (/^\d+(\.\d+)?$/.test(text)) return refused(text, 'has no unit', rateAllowed);
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kmg]?bit)$/i.exec(text) ?? [];
  const factor = unitsBits[unit.toLowerCase()];
  if (amount === undefined || factor === undefined) {
    return refused(text, text.startsWith('-') ? 'is negative' : 'is not a rate', rateAllowed);
  }
  return whole(text, Number(amount) * factor, 'a bit', rateAllowed);
}

/** Bits a second as people write them: `10mbit`. Parses back to the same rate. */
export function formatRate(bitsPerSecond: number): string {
  const [unit, factor] = Object.entries(unitsBits).findLast(([, size]) => bitsPerSecond >= size) ?? ['bit', 1];
  return `${bitsPerSecond / factor}${unit}`;
}

/** Bytes as people read them: `64Mi`, `1.5Gi`, `812`. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['Ti', 2 ** 40],
    ['Gi', 2 ** 30],
    ['Mi', 2 ** 20],
    ['Ki', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${Math.round((bytes / size) * 10) / 10}${unit}`;
  }
  return String(Math.round(bytes));
}
