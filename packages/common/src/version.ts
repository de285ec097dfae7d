/** The version of ChaosPlane: that of its chart, its images and its programs. */
export const VERSION = '0.1.0';
