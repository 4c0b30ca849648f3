/** What tells one recorded request from another; time and network leave no trace in it. */
export interface RecordedKey {
  readonly symbol: string;
  readonly query: URLSearchParams;
}

export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
