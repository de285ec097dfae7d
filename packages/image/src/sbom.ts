/** The software bill of materials of an image, as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/ */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Enums, Models, Serialize, Spec, SPDX, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import type { Contents } from './contents.ts';
import type { Debian, DebianPackage } from './debian.ts';
import type { NpmPackage } from './npm.ts';

/** The image that the bill is about. */
export interface Described {
  /** Such as `ghcr.io/chaosplane/daemon:0.1.0`. */
  readonly reference: string;
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
}

/**
 * The bill: Node.js, every Debian package with a file in the image, every package of npm in the bundles. It has neither a time nor a
 * number of its own, so that the same image has the same bill.
 * @throws Error when it does not fit CycloneDX's schema.
 */
export async function sbomOf({ reference, digest }: Described, contents: Contents): Promise<string> {
  const image = new Models.Component(Enums.ComponentType.Container, reference, { bomRef: 'image', version: digest });
  const components = [
    await nodeComponent(contents),
    ...contents.debianPackages.map((each) => debianComponent(each, contents.debian)),
    ...contents.npmPackages.map(npmComponent),
  ];
  for (const { bomRef } of components) image.dependencies.add(bomRef);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: image }),
    components: new Models.ComponentRepository(components),
  });
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
  const problem: unknown = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (problem !== null) throw new Error(`the bill of ${reference} does not fit its schema: ${JSON.stringify(problem)}`);
  return `${text}\n`;
}

/** The program as it lies in the image: without its symbols it has another digest than the one that Node.js publishes. */
async function nodeComponent({ parts, debian }: Contents): Promise<Models.Component> {
  const entry = parts.flatMap(({ entries }) => entries).find(({ path }) => path === 'usr/bin/node');
  const hash = createHash('sha256');
  if (entry?.kind === 'file') await pipeline(createReadStream(entry.source), hash);
  const version = debian.nodeVersion;
  return new Models.Component(Enums.ComponentType.Application, 'node', {
    bomRef: 'node',
    version,
    licenses: licensesOf('MIT'),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: new PackageURL('generic', undefined, 'node', version, undefined, undefined).toString(),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], hash.digest('hex')]]),
  });
}

function debianComponent(each: DebianPackage, debian: Debian): Models.Component {
  const { name, version, source, sourceVersion } = each;
  const upstream = source === name && sourceVersion === version ? {} : { upstream: `${source}@${sourceVersion}` };
  return new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `debian/${name}`,
    version,
    purl: debianPurl(each, debian, upstream),
  });
}

/** What https://github.com/package-url/purl-spec calls a package of Debian. */
export function debianPurl(
  { name, version, architecture }: DebianPackage,
  { release }: Pick<Debian, 'release'>,
  more: Readonly<Record<string, string>> = {},
): string {
  const qualifiers = { arch: architecture, distro: `${release.id}-${release.version}`, ...more };
  return new PackageURL('deb', release.id, name, version, qualifiers, undefined).toString();
}

function npmComponent({ folder, name, version, license, integrity }: NpmPackage): Models.Component {
  const at = name.indexOf('/');
  const group = at < 0 ? undefined : name.slice(0, at);
  const [, base64] = /^sha512-([^ ]+)/.exec(integrity ?? '') ?? [];
  return new Models.Component(Enums.ComponentType.Library, name.slice(at + 1), {
    bomRef: folder,
    version,
    ...(group !== undefined && { group }),
    licenses: licensesOf(license),
    purl: new PackageURL('npm', group, name.slice(at + 1), version, undefined, undefined).toString(),
    ...(base64 !== undefined && {
      hashes: new Models.HashDictionary([
        [Enums.HashAlgorithm['SHA-512'], Buffer.from(base64, 'base64').toString('hex')],
      ]),
    }),
  });
}

function licensesOf(license: string | undefined): Models.LicenseRepository {
  if (license === undefined) return new Models.LicenseRepository();
  if (SPDX.isSupportedSpdxId(license)) return new Models.LicenseRepository([new Models.SpdxLicense(license)]);
  const isExpression = / (?:OR|AND|WITH) /.test(license);
  const { LicenseExpression, NamedLicense } = Models;
  return new Models.LicenseRepository([isExpression ? new LicenseExpression(license) : new NamedLicense(license)]);
}
