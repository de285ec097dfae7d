/** The group and version of our resources. */
export const API_VERSION = 'chaos.chaosplane.io/v1alpha1';
