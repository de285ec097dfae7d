/** What tests share: stand-ins that print themselves, real namespaces, tools that measure. */
export * from './bulk.ts';
export * from './crash.ts';
export * from './datagrams.ts';
export * from './eventually.ts';
export * from './fake-host.ts';
export * from './fake-netns.ts';
export * from './fake-nft.ts';
export * from './floor.ts';
export * from './flows.ts';
export * from './lab.ts';
export * from './memory-journal.ts';
export * from './parameters.ts';
export * from './streams.ts';
export * from './test-engine.ts';
export { startFlooder, type Flooder } from './floods/flooder.ts';
export type { FloodName } from './floods/kinds.ts';
export { FLOODED_PORTS, floodsOf, type FloodedPort } from './floods/matrix.ts';
export { startProgram, type Program, type ProgramOptions } from './programs.ts';
