/** Says every ten seconds that something goes on, and what is known of how long it takes. */

const SAY_EVERY_MS = 10_000;

/** Runs `work`; `line` is asked for what to say after so many seconds. */
export async function patiently<T>(
  report: (line: string) => void,
  line: (seconds: number) => string,
  work: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  const timer = setInterval(() => report(line(Math.round((performance.now() - begun) / 1000))), SAY_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
