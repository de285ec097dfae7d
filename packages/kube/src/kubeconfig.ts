/** Kubeconfig files as kubectl reads them: paths are relative to their file, and of several files the first word counts. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ChaosError } from '@chaosplane/common';
import { KubeConfig, loadYaml, type User } from '@kubernetes/client-node';

/**
 * One file, which must be there; or several, as KUBECONFIG lists them: those that are not there are passed over, and the
 * first file to name a cluster, a user, a context or the current context wins. client-node's own merge takes the last
 * current context, and refuses a name that is there twice and a file that is missing.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
 * @throws ChaosError INVALID_ARGUMENT naming the file that cannot be read, or those of which none is there.
 */
export function readKubeconfig(files: string | readonly string[]): KubeConfig {
  if (typeof files === 'string') return readOne(files);
  const found = files.flatMap((file) => readIfThere(file) ?? []);
  if (found.length === 0)
    throw new ChaosError('INVALID_ARGUMENT', `none of these kubeconfig files is there: ${files.join(', ')}`);
  const merged = new KubeConfig();
  merged.loadFromOptions({
    clusters: firstOfEachName(found.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(found.flatMap(({ users }) => users)),
    contexts: firstOfEachName(found.flatMap(({ contexts }) => contexts)),
    currentContext: found.map(({ currentContext }) => currentContext).find(Boolean),
  });
  return merged;
}

function firstOfEachName<T extends { readonly name: string }>(all: readonly T[]): T[] {
  return all.filter((one, index) => all.findIndex(({ name }) => name === one.name) === index);
}

function readIfThere(file: string): KubeConfig | undefined {
  try {
    return readOne(file);
  } catch (error) {
    const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
    if (cause?.code === 'ENOENT') return undefined;
    throw error;
  }
}

function readOne(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    const text = readFileSync(file, 'utf8');
    // client-node stumbles over a file with nothing in it; kubectl finds nothing there.
    if (text.trim() === '') return config;
    config.loadFromString(text);
    const folder = dirname(file);
    config.makePathsAbsolute(folder);
    const tokenFiles = tokenFilesOf(text);
    config.users = config.users.map((user) => withOwnPaths(user, tokenFiles.get(user.name), folder));
    return config;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ChaosError('INVALID_ARGUMENT', `the kubeconfig ${file} cannot be read: ${why}`, { cause: error });
  }
}

/** The files with tokens by the names of their users: client-node looks for them under a key that kubeconfigs do not have. */
function tokenFilesOf(text: string): Map<string, string> {
  const { users } = loadYaml<{ users?: { name: string; user?: { tokenFile?: string } | null }[] | null }>(text);
  return new Map((users ?? []).flatMap(({ name, user }) => (user?.tokenFile ? [[name, user.tokenFile]] : [])));
}

/** The paths that client-node leaves alone. A command without a slash is looked for in PATH. */
function withOwnPaths(user: User, tokenFile: string | undefined, folder: string): User {
  const exec = user.exec as { readonly command?: string } | null | undefined;
  const command = exec?.command?.includes('/') === true ? resolve(folder, exec.command) : undefined;
  const { token: _token, ...rest } = user;
  return {
    ...(tokenFile === undefined ? user : rest),
    ...(command === undefined ? {} : { exec: { ...exec, command } }),
    // It wins over a token that stands beside it, and is read again from time to time.
    ...(tokenFile === undefined
      ? {}
      : { authProvider: { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } } }),
  };
}
