/**
 * Memory in which frames wait. The kernel writes a frame to where it stays: a copy into a buffer of its own costs a garbage
 * collection every few hundred large frames, and more time than all that the thread does itself (docs/performance.md).
 */

/** The largest packet, and what stands in front of it. */
export const LARGEST_FRAME_BYTES = (1 << 16) + 4096;

const BLOCK_BYTES = 1 << 20;

/** Blocks that are kept for the next frames: an empty device keeps none, so that many of them cost nothing. */
const MOST_SPARE_BLOCKS = 16;

/** Frames one behind the other. */
interface Block {
  readonly memory: Buffer;
  /** Bytes that frames have taken, from the start on. */
  used: number;
  /** How many frames are in it. */
  frames: number;
}

/** A frame that waits; `block` is absent when it has a buffer of its own. */
export interface Frame {
  readonly bytes: Buffer;
  readonly block?: Block;
}

const spare: Block[] = [];

/** The memory of one device. A block is free when its last frame has left: frames leave about in the order in which they came. */
export class FrameStore {
  #current: Block | undefined;

  /** Where the next frame is to be written. It stays free until `keep` is called. */
  room(): Buffer {
    if (this.#current === undefined || this.#current.used + LARGEST_FRAME_BYTES > BLOCK_BYTES) {
      this.#current = spare.pop() ?? { memory: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: 0, frames: 0 };
    }
    const { memory, used } = this.#current;
    return memory.subarray(used, used + LARGEST_FRAME_BYTES);
  }

  /** Keeps what was written to the first `length` bytes of the last `room`. */
  keep(room: Buffer, length: number): Frame {
    const block = this.#current;
    if (block === undefined) throw new Error('a frame is kept in a room that was not asked for');
    block.used += length;
    block.frames += 1;
    return { bytes: room.subarray(0, length), block };
  }

  /** Ends a frame: its bytes may be overwritten. */
  free({ block }: Frame): void {
    if (block === undefined) return;
    block.frames -= 1;
    if (block.frames === 0) this.#release(block);
  }

  /** Gives back the block that no frame is in. */
  trim(): void {
    if (this.#current?.frames === 0) this.#release(this.#current);
  }

  #release(block: Block): void {
    block.used = 0;
    if (block === this.#current) this.#current = undefined;
    if (spare.length < MOST_SPARE_BLOCKS) spare.push(block);
  }
}
