/** Which files of the working tree are not as in the last commit. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/** Their paths below `root`: changed, added, and not committed yet. Files that git is told to ignore are not among them. */
export async function changedFiles(root: string): Promise<string[]> {
  const git = async (...argv: string[]): Promise<string[]> => {
    const { stdout } = await execa('git', argv, { cwd: root });
    return stdout.split('\0').filter((path) => path !== '');
  };
  const paths = await Promise.all([
    git('diff', '--name-only', '-z', 'HEAD'),
    git('ls-files', '--others', '--exclude-standard', '-z'),
  ]);
  return [...new Set(paths.flat())].filter((path) => existsSync(join(root, path))).sort();
}
