/** The engine without a server around it, as tests start it. */
export type { EngineConfig } from './config.ts';
export { startEngine, type Engine, type EngineParts, type Observed } from './engine.ts';
export type { ExecOptions, ExecRequest } from './request.ts';
