/** What the stress actions share: how many workers, how much of what, and the words for it. */
import { defined, parseBytes, parseCount, type Parsed, parsePercent, refused } from '@chaosplane/common/pure';
import { defaulted, optional, parseBoolean, parsePositivePercent } from './parameter.ts';

/** An amount of memory. */
export type Size = { readonly bytes: number } | { /** Of the limit. Above 0, up to 100. */ readonly percent: number };

const SIZE_ALLOWED = 'bytes such as 256M or 64Mi, or a percentage of the limit such as 50%';

/** An amount that is more than nothing. */
function parseAmount(text: string): Parsed<number> {
  const parsed = parseBytes(text);
  return parsed.ok && parsed.value === 0
    ? refused(text, 'would do nothing', 'more than 0 bytes, such as 64Mi')
    : parsed;
}

function parseSize(text: string): Parsed<Size> {
  if (text.endsWith('%')) {
    const parsed = parsePositivePercent(text);
    return parsed.ok ? { ok: true, value: { percent: parsed.value } } : parsed;
  }
  const parsed = parseAmount(text);
  return parsed.ok ? { ok: true, value: { bytes: parsed.value } } : { ...parsed, allowed: SIZE_ALLOWED };
}

function parseLoad(text: string): Parsed<number> {
  const allowed = 'a percentage above 0, up to 100, such as 50 or 50%';
  const parsed = parsePercent(text);
  if (!parsed.ok) return parsed;
  if (!Number.isInteger(parsed.value)) return refused(text, 'is not a whole percentage', allowed);
  return parsed.value === 0 ? refused(text, 'would do nothing', allowed) : parsed;
}

/** More workers than any machine has cores would only be a fork bomb. */
const workers = (description: string) =>
  defaulted(parseCount(1, 256), { description, allowed: 'a whole number from 1 to 256', default: '1' });

const oomScoreAdj = optional(
  (text): Parsed<number> => {
    const allowed = 'a whole number from -1000 to 1000';
    if (!/^-?\d{1,4}$/.test(text)) return refused(text, 'is not a whole number', allowed);
    const value = Number(text);
    return Math.abs(value) > 1000 ? refused(text, 'is out of range', allowed) : { ok: true, value };
  },
  {
    description:
      'How readily the kernel kills the stressor when memory runs out: 1000 makes it the first. Without it: as readily as the processes that it is among.',
    allowed: 'a whole number from -1000 to 1000',
  },
);

/** What the documentation of a stress action says of its containerName. */
export const WHICH_CONTAINER = 'Which container. Without it: the only one that runs; a pod of several is refused.';

/** The parameters of CPU stress. */
export const cpuParameters = {
  workers: workers('How many processes burn CPU time; each loads one core at most.'),
  load: defaulted(parseLoad, {
    description: 'How much of a core each worker uses, in percent.',
    allowed: 'a percentage above 0, up to 100, such as 50 or 50%',
    default: '100',
  }),
} as const;

/** The parameters of memory stress; `of` says what a percentage is of. */
export function memoryParameters(of: string) {
  return {
    workers: workers('How many processes share the memory.'),
    size: defaulted(parseSize, {
      description: `How much memory is kept in use, by all workers together. A percentage is of ${of}.`,
      allowed: SIZE_ALLOWED,
      default: '256M',
    }),
    oomScoreAdj,
    force: defaulted(parseBoolean, {
      description:
        'Also more memory than the limit or the node has: then the kernel kills the stressor, or other processes. Without it, that is refused.',
      allowed: 'true or false',
      default: 'false',
    }),
  } as const;
}

/** The parameters of io stress. */
export const ioParameters = {
  workers: workers('How many processes write.'),
  path: defaulted(parsePath, {
    description:
      'A folder of the container, as the container sees it. Files are made in a folder of their own there, and removed in the end.',
    allowed: 'an absolute path of letters, digits, ., _, - and /',
    default: '/',
  }),
  size: defaulted(parseAmount, {
    description: 'How much each worker writes before it begins again.',
    allowed: 'bytes such as 256M or 64Mi',
    default: '256M',
  }),
} as const;

function parsePath(text: string): Parsed<string> {
  if (text.length <= 1024 && /^\/[a-zA-Z0-9._/-]*$/.test(text)) return { ok: true, value: text };
  return refused(text, 'is not a path', 'an absolute path of letters, digits, ., _, - and /');
}

/** What CPU stress means once parsed. */
export interface CpuStress {
  readonly workers: number;
  /** Of one core, in percent, for each worker. */
  readonly load: number;
}

/** What memory stress means once parsed. */
export interface MemoryStress {
  readonly workers: number;
  readonly size: Size;
  readonly oomScoreAdj?: number;
  /** Whether it may be more than there is. */
  readonly force: boolean;
}

/** Memory stress of values that are each valid. */
export function toMemoryStress(
  values: Omit<MemoryStress, 'oomScoreAdj'> & { readonly oomScoreAdj: number | undefined },
): MemoryStress {
  const { workers: count, size, oomScoreAdj: score, force } = values;
  return { workers: count, size, force, ...defined({ oomScoreAdj: score }) };
}
