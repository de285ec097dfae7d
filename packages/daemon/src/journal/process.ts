/** What the journal remembers of a stressor: what it was told to do, who it is, and how things were before it. */
import * as z from 'zod';
import { processRef } from './target.ts';

export const processWork = z.object({
  shape: z.literal('process'),
  engine: z.literal('stress-ng'),
  /** What stress-ng is told, but for how long and where. */
  args: z.array(z.string()),
  oomScoreAdj: z.int(),
  /** Where in the container it makes files. */
  path: z.string().exactOptional(),
  /** How much memory it is to keep, in bytes. */
  residentBytes: z.number().exactOptional(),
  /** How many of its processes are to do the work. Absent: a daemon wrote this that did not count them. */
  workers: z.number().exactOptional(),
  /** Absent until it was started. */
  process: processRef.exactOptional(),
  /** When it ends by itself, with or without a daemon. */
  until: z.number().exactOptional(),
  /** What was accounted for in its cgroup before it was started. */
  before: z
    .object({
      cpuMs: z.number().exactOptional(),
      memoryBytes: z.number().exactOptional(),
      oomKills: z.number().exactOptional(),
    })
    .exactOptional(),
  /** How it ended while it was to run, in words that follow "until". It is not started again. */
  ended: z.string().exactOptional(),
});
