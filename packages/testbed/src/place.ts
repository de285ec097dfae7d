/** What a test bed's runtime is told, and what differs from one runtime to another. */
import { join } from 'node:path';
import type { Channel } from 'nice-grpc';

/** Where a runtime of ChaosPlane is, and what it has to do with. */
export interface Place {
  /** Everything of it is in this folder. */
  readonly folder: string;
  /** The image archive of the applications. */
  readonly image: string;
  /** The folder of the CNI plugins. */
  readonly plugins: string;
  /** The folder of the runtime's programs; absent: they are in PATH. */
  readonly programs?: string;
}

/** What differs from one runtime to another. */
export interface RuntimeProgram {
  /** Writes its configuration into the folder, and gives the command that runs it. */
  prepare(place: Place): Promise<readonly [program: string, ...argv: string[]]>;
  /** Gives it the images, once it answers. */
  load(place: Place, channel: Channel): Promise<void>;
}

/** Where the runtime in `folder` listens. */
export const socketIn = (folder: string): string => join(folder, 'runtime.sock');
