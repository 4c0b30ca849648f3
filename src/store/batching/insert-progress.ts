/** When so many rows in a row were refused alone, it is asked whether it is the rows that are wrong. */
export const REFUSED_IN_A_ROW_MAX = 16;

/**
 * How far the inserts of some rows have come. It outlives a try that failed half way, so that the next one goes on with
 * what is not acknowledged yet: work that is repeated from its beginning would never end where every third insert fails.
 * What was sent and not acknowledged is sent again.
 */
export class InsertProgress<Row> {
  /** Pieces that are neither acknowledged nor refused, each for one insert, in the order they go. */
  #pending: readonly (readonly Row[])[];
  #refusedInARow = 0;
  #accepted: Row | undefined;
  /** Rows that the store refused alone, and what it said. */
  readonly refused = new Map<Row, string>();
  /** Rows whose values fit no column, found before anything was sent. */
  readonly unfit = new Map<Row, string>();

  constructor(rows: readonly Row[]) {
    this.#pending = rows.length === 0 ? [] : [rows];
  }

  get next(): readonly Row[] | undefined {
    return this.#pending[0];
  }

  /** Rows refused alone since a piece was last accepted. */
  get refusedInARow(): number {
    return this.#refusedInARow;
  }

  /**
   * Whether it has to be shown that the table still takes what it took before: rows were refused, many in a row or the last
   * ones, which would be good ones if the table had changed.
   */
  get isProofOwed(): boolean {
    const isRun = this.#refusedInARow >= REFUSED_IN_A_ROW_MAX;
    return this.#accepted !== undefined && this.#refusedInARow > 0 && (isRun || this.next === undefined);
  }

  /** Nothing is left to be sent. */
  get isDone(): boolean {
    return this.next === undefined && !this.isProofOwed;
  }

  /** One of the rows that the store has accepted; undefined while there is none. */
  get accepted(): Row | undefined {
    return this.#accepted;
  }

  /** Of the largest piece that is still to be sent. */
  get rowsMax(): number {
    return this.#pending.reduce((most, piece) => Math.max(most, piece.length), 0);
  }

  /** Cuts every piece that is still to be sent; `cut` keeps a piece that needs no cutting as it is. */
  recut(cut: (piece: readonly Row[]) => readonly (readonly Row[])[]): void {
    this.#pending = this.#pending.flatMap(cut);
  }

  /** The next piece is durable. */
  nextStored(): void {
    const [piece = [], ...later] = this.#pending;
    this.#pending = later;
    // Rows that fit no column were not sent, and say nothing of the table.
    const accepted = piece.findLast((row) => !this.unfit.has(row));
    if (accepted !== undefined) {
      this.#accepted = accepted;
      this.#refusedInARow = 0;
    }
  }

  /** The store accepted a row once more, so those it refused are themselves the reason. */
  acceptedAgain(): void {
    this.#refusedInARow = 0;
  }

  /**
   * The row in the middle of the largest piece is next, alone. Done again and again, no long stretch of rows is left
   * without a try.
   */
  nextFromLargest(): void {
    const at = this.#pending.findLastIndex((piece) => piece.length === this.rowsMax);
    const largest = this.#pending[at] ?? [];
    const middle = Math.floor(largest.length / 2);
    const pieces = [
      largest.slice(middle, middle + 1),
      ...this.#pending.slice(0, at),
      largest.slice(0, middle),
      largest.slice(middle + 1),
      ...this.#pending.slice(at + 1),
    ];
    this.#pending = pieces.filter((piece) => piece.length > 0);
  }

  /** The next piece has a bad row. Halves it, or sets it aside where it is that row. */
  nextRefused(detail: string): void {
    const [piece = [], ...later] = this.#pending;
    const [first] = piece;
    if (piece.length > 1) {
      const middle = Math.ceil(piece.length / 2);
      this.#pending = [piece.slice(0, middle), piece.slice(middle), ...later];
    } else {
      this.#pending = later;
      if (first !== undefined) {
        this.refused.set(first, detail);
        this.#refusedInARow += 1;
      }
    }
  }
}
