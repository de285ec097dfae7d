/** The X.509 library, loaded after what it needs: some loaders run a CommonJS dependency before the imports above it. */
import './reflect.ts';

export const { x509 } = await import('./x509-library.ts');
