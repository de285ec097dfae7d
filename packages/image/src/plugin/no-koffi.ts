/** Stands for koffi where only clusters are talked to: there is no native library that each platform would need its own of. */
const refuse = (): never => {
  throw new Error('this build of the command talks to clusters only: it cannot call the kernel of this machine');
};

export default { load: () => ({ func: () => refuse }), errno: refuse };
