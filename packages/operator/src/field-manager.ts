/** Who writes, to server-side apply. */
export const FIELD_MANAGER = 'chaosplane-operator';
