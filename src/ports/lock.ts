/** Lets one worker of the fleet do a thing while the others wait. */
export interface Lock {
  /**
   * Runs `act` while nobody else holds `name`. A holder that dies loses the lock after a bounded time, so what it
   * guards must stay right when it is done twice; the lock saves calls, it does not guard data.
   */
  withLock<T>(name: string, act: () => Promise<T>, signal: AbortSignal): Promise<T>;
}
