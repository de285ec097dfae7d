/** What tests share: stand-ins that print themselves, real namespaces, tools that measure. */
export * from './crash.ts';
export * from './eventually.ts';
export * from './fake-host.ts';
export * from './fake-netns.ts';
export * from './fake-nft.ts';
export * from './memory-journal.ts';
export * from './lab.ts';
export * from './parameters.ts';
export * from './traffic.ts';
