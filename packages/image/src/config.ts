/** How a container of each image starts; the Dockerfiles say the same. */
import type { ImageConfig } from '@chaosplane/testbed/oci';
import type { ImageName } from './bundle.ts';
import { NON_ROOT } from './files.ts';

/**
 * Makes glibc give back what buffers have taken, and the compiler, as soon as they are gone:
 * findings/a-large-module-leaves-the-memory-of-its-compiler.sh.
 */
const GIVING_BACK = ['MALLOC_ARENA_MAX=2', 'MALLOC_MMAP_THRESHOLD_=16384', 'MALLOC_TRIM_THRESHOLD_=131072'];

/**
 * What is allocated and forgotten at once, as in a flood of connections, is collected early. The operator waits for others most of its time:
 * without V8's optimizing compilers 8 MB less of Node.js are resident, of which docs/performance.md has the price. A daemon reads what goes
 * through its proxies, and keeps them.
 */
const V8: Readonly<Record<ImageName, readonly string[]>> = {
  operator: ['--max-semi-space-size=4', '--no-opt', '--no-maglev'],
  daemon: ['--max-semi-space-size=4'],
};

/** What OCI calls the config of an image. */
export function imageConfig(image: ImageName): ImageConfig {
  return {
    entrypoint: ['node', ...V8[image], '/app/main.js'],
    env: ['PATH=/usr/sbin:/usr/bin', 'NODE_ENV=production', ...GIVING_BACK],
    workingDir: '/app',
    ...(image === 'operator' && { user: `${NON_ROOT}:${NON_ROOT}` }),
    labels: {
      'org.opencontainers.image.title': `chaosplane-${image}`,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  };
}
