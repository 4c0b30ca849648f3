import type { Message } from "../../ports/queue.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import type { Partition } from "./topic-table.ts";

/** Reads one partition in order, a page at a time. */
export class PartitionCursor {
  readonly #log: EmbeddedLog;
  readonly #at: Partition;
  /** The offset of the first message that is in no page yet. */
  #next: number;
  #page: Message[] = [];
  #index = 0;

  constructor(log: EmbeddedLog, at: Partition, from: number) {
    this.#log = log;
    this.#at = at;
    this.#next = from;
  }

  /** The next message that is here now. Asks the file only when the log says that there is more. */
  take(): Message | undefined {
    if (this.#index >= this.#page.length && !this.#turnPage()) {
      return undefined;
    }
    const message = this.#page[this.#index];
    this.#index += 1;
    return message;
  }

  #turnPage(): boolean {
    const { end } = this.#at;
    if (this.#next >= end) {
      this.#page = [];
      this.#index = 0;
      return false;
    }
    const page = this.#log.page(this.#at, this.#next, end);
    const last = page.at(-1);
    // Nothing there although the log says so: retention has deleted it all.
    this.#next = last === undefined ? end : Number(last.offset) + 1;
    this.#page = page;
    this.#index = 0;
    return page.length > 0;
  }
}
