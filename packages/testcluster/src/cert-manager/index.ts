/** cert-manager on a test cluster. */
export { installDefinitions } from './definitions.ts';
export { certManagerFolder } from './program.ts';
export { startCertManager, type CertManager } from './start.ts';
