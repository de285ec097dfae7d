/** A folder of ChaosPlane inside a container, made and removed through descriptors that no symlink of the container leads astray. */
import { closeSync, constants, mkdirSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { ChaosError, defined } from '@chaosplane/common';
import { SystemError } from '../kernel/libc.ts';
import { asUser, openAt, RESOLVE } from '../kernel/process-calls.ts';
import type { ContainerFolder, NodeUser, ProcessRef } from '../../contract/host.ts';
import { mappedRoot } from './id-map.ts';
import { processes } from './processes.ts';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;
/** Within a folder of ChaosPlane nothing is followed at all. */
const STRICTLY_BENEATH = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagicLinks;

/** See `Host.makeFolder`. */
export function makeFolder(container: ProcessRef, path: string, name: string): ContainerFolder {
  const place = openPlace(container, path);
  try {
    // The last part of a path is never followed by mkdir, unlink and rmdir; what is before it is a descriptor.
    const inside = `/proc/self/fd/${place}/${name}`;
    const owner = rootOf(container);
    try {
      asUser(owner, () => mkdirSync(inside, { mode: 0o700 }));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw refused(path, error);
    }
    const fd = openAt(place, name, FOLDER, STRICTLY_BENEATH);
    return { ...folderOf(place, fd, inside), ...defined({ owner }) };
  } catch (error) {
    closeSync(place);
    throw error;
  }
}

/**
 * Who is root in the container, when that is not root of the node (`hostUsers: false`). On a volume that is mounted with mapped
 * ids, no other user can make a file: user_namespaces(7), mount_setattr(2); EOVERFLOW.
 */
function rootOf({ pid }: ProcessRef): NodeUser | undefined {
  const [uid, gid] = [mappedRoot(`/proc/${pid}/uid_map`), mappedRoot(`/proc/${pid}/gid_map`)];
  return uid === 0 && gid === 0 ? undefined : { uid, gid };
}

function folderOf(place: number, fd: number, inside: string): ContainerFolder {
  let closed = false;
  return {
    fd,
    remove() {
      if (closed) throw new Error(`${inside} was already closed`);
      empty(fd);
      try {
        rmdirSync(inside);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
    close() {
      if (closed) return;
      closed = true;
      closeSync(fd);
      closeSync(place);
    },
  };
}

/** The folder as the container itself would find it: absolute symlinks and `..` stay inside its root. */
function openPlace(container: ProcessRef, path: string): number {
  let root: number;
  try {
    root = openSync(`/proc/${container.pid}/root`, FOLDER);
  } catch (error) {
    throw new ChaosError('NOT_FOUND', 'the container is gone: try again when it runs', { cause: error });
  }
  try {
    // What was opened is the root of that very process only if it still lives.
    if (!processes.isAlive(container)) {
      throw new ChaosError('NOT_FOUND', 'the container is gone: try again when it runs');
    }
    return openAt(root, path, FOLDER, RESOLVE.inRoot | RESOLVE.noMagicLinks);
  } catch (error) {
    throw error instanceof SystemError ? refused(path, error) : error;
  } finally {
    closeSync(root);
  }
}

function refused(path: string, cause: unknown): ChaosError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const wayOut = 'set the parameter path to a folder of the container that can be written to';
  return new ChaosError(
    'FAILED_PRECONDITION',
    `nothing can be written in ${path} of the container (${why}): ${wayOut}`,
    {
      cause,
    },
  );
}

/** Removes all that is in a folder, folder by folder. */
function empty(fd: number): void {
  for (const { name } of readdirSync(`/proc/self/fd/${fd}`, { withFileTypes: true })) {
    const path = `/proc/self/fd/${fd}/${name}`;
    try {
      unlinkSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      if (code !== 'EISDIR' && code !== 'EPERM') throw error;
      const below = openAt(fd, name, FOLDER, STRICTLY_BENEATH);
      try {
        empty(below);
      } finally {
        closeSync(below);
      }
      rmdirSync(path);
    }
  }
}
