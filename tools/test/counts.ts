/** How many tests passed, failed and were skipped, and which failed. Pure. */
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Tests, counted. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of those that failed, as far as they have a name: where they stand, what they are called, and how their error begins. */
  readonly failures?: readonly string[];
}

export const none: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The part of jest's JSON report that is counted. */
export interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Files that could not even be run: a type error, a failing import. */
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly FileReport[];
}

/** What is told of one file of tests. */
interface FileReport {
  /** Its path. */
  readonly name: string;
  /** Why it could not be run. */
  readonly message: string;
  readonly status: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages?: readonly string[] | null;
  }[];
}

/** The counts of a report. A layer in which no test was executed has failed: it would pass in any case. */
export function countsOf(report: JestReport): Counts {
  const counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: report.testResults.flatMap(failuresOf),
  };
  return counts.passed + counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function failuresOf({ name, message, status, assertionResults }: FileReport): string[] {
  const file = basename(name);
  const failed = assertionResults.filter((result) => result.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [`${file}: ${beginningOf(message)}`] : [];
  return failed.map(
    ({ fullName, failureMessages }) => `${file}: ${fullName}: ${beginningOf(failureMessages?.[0] ?? '')}`,
  );
}

/** Where the output is cut off, this may be all that is left of an error. */
function beginningOf(message: string): string {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at '));
  return lines.slice(0, 6).join(' | ').slice(0, 400);
}

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, counts) => ({
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
      failures: [...(total.failures ?? []), ...(counts.failures ?? [])],
    }),
    none,
  );
}

/** The line that ends a run of the tests. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
