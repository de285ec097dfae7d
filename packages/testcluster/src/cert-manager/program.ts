/** Builds cert-manager from its Go module, once for each version. */
import { join } from 'node:path';
import { insideModuleFolder, type BuildOptions } from '../go/index.ts';

const VERSION = '1.21.2';
export const MODULE = `github.com/cert-manager/cert-manager@v${VERSION}`;
export const PROGRAM = 'cert-manager';

/** The folder with the program; built when it is not there. Throws what Go said. */
export function certManagerFolder(options: BuildOptions): Promise<string> {
  const source = join(import.meta.dirname, 'main.go');
  return insideModuleFolder({ name: PROGRAM, module: MODULE, source }, options);
}
