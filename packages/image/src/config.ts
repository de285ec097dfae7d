/** How a container of each image starts; the Dockerfiles say the same. */
import type { ImageConfig } from '@chaosplane/testbed/oci';
import type { ImageName } from './bundle.ts';
import { NON_ROOT } from './files.ts';

/**
 * Makes glibc give back what buffers have taken, and the compiler, as soon as they are gone:
 * findings/a-large-module-leaves-the-memory-of-its-compiler.sh.
 */
const GIVING_BACK = ['MALLOC_ARENA_MAX=2', 'MALLOC_MMAP_THRESHOLD_=16384', 'MALLOC_TRIM_THRESHOLD_=131072'];

/** What OCI calls the config of an image. */
export function imageConfig(image: ImageName): ImageConfig {
  return {
    entrypoint: ['node', '--max-semi-space-size=4', '/app/main.js'],
    env: ['PATH=/usr/sbin:/usr/bin', 'NODE_ENV=production', ...GIVING_BACK],
    workingDir: '/app',
    ...(image === 'operator' && { user: `${NON_ROOT}:${NON_ROOT}` }),
    labels: {
      'org.opencontainers.image.title': `chaosplane-${image}`,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  };
}
