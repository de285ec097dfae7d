/** Stands for koffi where no native library is called: the command talks to clusters then, and refuses what is about this machine. */

/** What the daemon's sources use of koffi; each call of a function throws an Error that ends with `why`. */
export function withoutKoffi(why: string) {
  const refuse = (): never => {
    throw new Error(`this command talks to clusters only, and cannot call the kernel of this machine: ${why}`);
  };
  return { load: () => ({ func: () => refuse }), errno: refuse };
}
