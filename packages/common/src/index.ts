/** What every package of ChaosPlane shares; imports nothing of ChaosPlane. */
export * from './pure.ts';
export { VERSION } from './version.ts';
export * from './logger.ts';
export * from './setting-schemas.ts';
export * from './door/index.ts';
export { apiServerOfPod } from './api-server-of-pod.ts';
export { cacheFolderOf } from './cache-folder.ts';
export { bucket, type Bucket, type Rate } from './token-bucket.ts';
export * from './http.ts';
export { keepOwnMemorySmall } from './memory.ts';
export { followTlsFiles, type FollowedTls, type TlsFiles } from './tls-files.ts';
