/** How an image came to be: an in-toto statement with SLSA's predicate, https://slsa.dev/spec/v1.0/provenance. It is not signed here. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PackageURL } from 'packageurl-js';
import type { Contents } from './contents.ts';
import { debianPurl, type Described } from './sbom.ts';

/** What is built from, and by what. */
export interface Origin {
  readonly repository: string;
  /** The commit. */
  readonly commit: string;
  /** Whether files differed from the commit. */
  readonly changed: boolean;
  /** Who builds, as a URI: for a release, the workflow. */
  readonly builder: string;
}

/** Who builds where none is named. */
export const UNNAMED_BUILDER = 'https://chaosplane.io/builders/unnamed';

const BUILD_TYPE = 'https://chaosplane.io/builds/image/v1';

/** The checkout that is built from. @throws Error where there is no git, or no commit. */
export async function originOf(repository: string, builder = UNNAMED_BUILDER): Promise<Origin> {
  const git = async (...args: string[]): Promise<string> => (await execa('git', args, { cwd: repository })).stdout;
  const changed = (await git('status', '--porcelain', '--untracked-files=no')) !== '';
  return { repository, commit: (await git('rev-parse', 'HEAD')).trim(), changed, builder };
}

/** The statement about one image, for one processor; it has no time, so that the same image has the same statement. */
export async function provenanceOf(image: Described, contents: Contents, origin: Origin): Promise<string> {
  const { reference, digest } = image;
  const { architecture, nodeVersion } = contents.debian;
  const lock = await readFile(join(origin.repository, 'package-lock.json'));
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: reference, digest: { sha256: digest.replace('sha256:', '') } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { reference, architecture },
        internalParameters: { changedSinceCommit: origin.changed },
        resolvedDependencies: [
          { name: 'sources', digest: { gitCommit: origin.commit } },
          { name: 'package-lock.json', digest: { sha256: createHash('sha256').update(lock).digest('hex') } },
          { uri: new PackageURL('generic', undefined, 'node', nodeVersion, undefined, undefined).toString() },
          ...contents.debianPackages.map((each) => ({ uri: debianPurl(each, contents.debian) })),
        ],
      },
      runDetails: { builder: { id: origin.builder } },
    },
  };
  return `${JSON.stringify(statement, null, 2)}\n`;
}
