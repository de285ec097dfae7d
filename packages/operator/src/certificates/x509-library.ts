/** A module of ECMAScript around the library, which is CommonJS: in a bundle of several files, import() of a CommonJS one lacks its names. */
import * as library from '@peculiar/x509';

export const x509 = library;
