/** Time, timers and randomness: the only place that may read them from the machine. */

/** A timer that was set and can be taken back. */
export interface Timer {
  /** Takes the timer back; it will not fire. Harmless after it fired. */
  cancel(): void;
}

/** Where code gets time and chance from, so that tests can hold both still. */
export interface Clock {
  /** Milliseconds since the Unix epoch: for what is written down and shown. */
  now(): number;
  /** Milliseconds on a clock that never jumps: for measuring. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds (not before). Does not keep the process alive. */
  after(ms: number, fire: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1). */
  random(): number;
  /** `bytes` random bytes as lower-case hex. */
  randomHex(bytes: number): string;
}

/** setTimeout fires at once for anything above this (2^31 - 1 ms). */
const LONGEST_TIMEOUT_MS = 0x7fff_ffff;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    const due = performance.now() + ms;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const left = due - performance.now();
      handle = setTimeout(
        () => (due - performance.now() > 1 ? arm() : fire()),
        Math.min(Math.max(left, 0), LONGEST_TIMEOUT_MS),
      );
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const abort = (): void => {
        clearTimeout(handle);
        reject(signal?.reason as Error);
      };
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
    });
  },
  random: () => Math.random(),
  randomHex(bytes) {
    return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  },
};
