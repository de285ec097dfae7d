/** A condition of a status, as in metav1.Condition: one of each type. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339: when its status last changed. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
