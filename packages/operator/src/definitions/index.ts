/** The resource definitions: written before each installation and upgrade, and removed where an administrator wants that. */
export { applyDefinitions, readDefinitions, type DefinitionParts } from './apply.ts';
export { removeDefinitions } from './remove.ts';
