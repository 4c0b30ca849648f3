/** Keeps alerts of one kind apart, also over the restarts of whoever tells them. */
export interface AlertPace {
  /** Whether an alert of the kind may be told now; then none may until the pause is over. TransientError when the place is away. */
  take(kind: string, signal: AbortSignal): Promise<boolean>;
  /** The alert could not be told after all. */
  giveBack(kind: string, signal: AbortSignal): Promise<void>;
}
