import { readFile } from "node:fs/promises";
import path from "node:path";

export interface RecordedTick {
  readonly price: string;
  readonly lots: string;
  /** Of the side that the trade came from; M where neither is known. */
  readonly side: "B" | "S" | "M";
}

/** Fifty ticks of 000001.SZ in January 2024, as a client of TongDaXin read them. */
export async function readRecordedTicks(data: string): Promise<readonly RecordedTick[]> {
  const input: unknown = JSON.parse(await readFile(path.join(data, "tdx/ticks-000001-2024-01.json"), "utf8"));
  const days: readonly unknown[] = typeof input === "object" && input !== null ? Object.values(input) : [];
  return days.flatMap((day) => {
    const rows = typeof day === "object" && day !== null && "data" in day && Array.isArray(day.data) ? day.data : [];
    return rows.map((row: Readonly<Record<string, unknown>>): RecordedTick => ({
      price: Number(row["price"]).toFixed(2),
      lots: Number(row["vol"]).toString(),
      side: row["buyorsell"] === 0 ? "B" : row["buyorsell"] === 1 ? "S" : "M",
    }));
  });
}
