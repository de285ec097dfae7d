/** Asks the cron library of Kubernetes, in a program that is built once. */
import { join } from 'node:path';
import { cacheFolderOf } from '@chaosplane/common';
import { askInsideModule } from '@chaosplane/testcluster/go';

const program = {
  name: 'kubernetes-cron',
  /** The version in the go.mod of Kubernetes 1.34. */
  module: 'github.com/robfig/cron/v3@v3.0.1',
  source: join(import.meta.dirname, 'main.go'),
};

/** Which runs of a schedule are wanted: after an instant, until another one, in milliseconds since the epoch. */
export interface Question {
  readonly schedule: string;
  readonly zone: string;
  readonly from: number;
  readonly until: number;
}

/** The runs, or why the schedule is refused. */
export interface Answer {
  readonly error?: string;
  readonly runs: readonly number[];
}

/** All questions at once, answered in their order. */
export function askKubernetes(questions: readonly Question[]): Promise<readonly Answer[]> {
  return askInsideModule(program, questions, { cacheFolder: cacheFolderOf(process.env), report: () => undefined });
}
