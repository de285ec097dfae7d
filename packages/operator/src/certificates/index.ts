/** The certificates with which the operator and the daemons know each other. */
export {
  ensureCertificates,
  removeCertificates,
  type CertificateParts,
  type Ensured,
  type LeafLife,
} from './ensure.ts';
export { AUTHORITY_SECRET, leavesOf, secretNames, type CertificateNames } from './secrets.ts';
