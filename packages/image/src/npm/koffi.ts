/** koffi, where npm has installed it and the machine has glibc. */
import { createRequire } from 'node:module';
import { withoutKoffi } from '../without-koffi.ts';

function found(): ReturnType<typeof withoutKoffi> {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as ReturnType<typeof withoutKoffi> & {
      readonly load: (library: string) => unknown;
    };
    koffi.load('libc.so.6');
    return koffi;
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return withoutKoffi(`it needs Linux with glibc, and koffi, an optional dependency of its npm package (${line})`);
  }
}

export default found();
