type Mutable<Entry> = { -readonly [Key in keyof Entry]: Entry[Key] };
/** Filled in by the server while it answers. */
export type Open<Request> = Mutable<Request>;

const REQUESTS_MAX_DEFAULT = 100_000;

/** The newest requests of a simulator, at most `requestsMax` of them. */
export class NewestRequests<Request extends object> {
  readonly #requestsMax: number;
  readonly #requests: Open<Request>[] = [];

  constructor(requestsMax = REQUESTS_MAX_DEFAULT) {
    this.#requestsMax = requestsMax;
  }

  get requests(): readonly Readonly<Request>[] {
    return this.#requests;
  }

  add(entry: Open<Request>): Open<Request> {
    this.#requests.push(entry);
    if (this.#requests.length > this.#requestsMax) {
      this.#requests.shift();
    }
    return entry;
  }

  clear(): void {
    this.#requests.length = 0;
  }
}
