/** Programs that are built from Go modules, once for each version: Kubernetes, container runtimes. */
export { cachedFolder, type BuildOptions } from './cached.ts';
export { askInsideModule, insideModuleFolder, type InsideProgram } from './inside-module.ts';
export { buildPrograms, fetching, goCaller, moduleFolder, type CallGo, type GoProgram } from './programs.ts';
