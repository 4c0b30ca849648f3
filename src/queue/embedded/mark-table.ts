import type { StatementSync } from "node:sqlite";

import type { QueueFile } from "./queue-file.ts";
import { numberOf } from "./row.ts";

/** The marks of groups in the file: offsets of the first message that is not settled, by partition id. */
export class MarkTable {
  readonly #ofGroup: StatementSync;
  readonly #lowest: StatementSync;
  readonly #move: StatementSync;

  constructor(file: QueueFile) {
    this.#ofGroup = file.prepare("SELECT partition_id, offset FROM mark WHERE group_id = ?");
    // A group that read only other partitions of the topic so far has settled nothing of this one.
    this.#lowest = file.prepare(`
      SELECT min(coalesce(own.offset, 0)) AS lowest
      FROM (SELECT DISTINCT group_id FROM mark JOIN partition USING (partition_id)
            WHERE topic_id = (SELECT topic_id FROM partition WHERE partition_id = :id)) AS known
      LEFT JOIN mark AS own ON own.group_id = known.group_id AND own.partition_id = :id`);
    this.#move = file.prepare(`
      INSERT INTO mark (group_id, partition_id, offset, marked_at_ms) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET offset = excluded.offset, marked_at_ms = excluded.marked_at_ms
      WHERE excluded.offset > mark.offset`);
  }

  ofGroup(groupId: string): ReadonlyMap<number, number> {
    return new Map(this.#ofGroup.all(groupId).map((row) => [numberOf(row, "partition_id"), numberOf(row, "offset")]));
  }

  /** The lowest mark of all groups that have one in the partition's topic; undefined when none has. */
  lowest(partitionId: number): number | undefined {
    const lowest = this.#lowest.get({ id: partitionId })?.["lowest"];
    return typeof lowest === "number" ? lowest : undefined;
  }

  /** Upwards only: a mark that is not above the group's own changes nothing, and costs no write. */
  move(groupId: string, partitionId: number, offset: number, nowMs: number): void {
    this.#move.run(groupId, partitionId, offset, nowMs);
  }
}
