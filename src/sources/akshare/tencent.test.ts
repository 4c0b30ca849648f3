import assert from "node:assert/strict";
import { test } from "node:test";

import { codesCall, openAkshareRig as openRig, waitOf } from "../../../test/support/akshare-rig.ts";
import type { HttpAsked } from "../../../test/support/scripted-http.ts";
import { TransientError } from "../../base/errors.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import { TICK_FLAGS } from "../../domain/rows.ts";

const never = new AbortController().signal;

/** A day's prints in pages as Tencent has them. */
function ticksOf(
  count: number,
  day = "20260317",
): { readonly info: string; readonly page: (number: number) => string } {
  const timeOf = (index: number): string => {
    const second = 34_200 + 3 * index;
    return [second / 3_600, (second / 60) % 60, second % 60]
      .map((part) => `${Math.floor(part)}`.padStart(2, "0"))
      .join(":");
  };
  const pageOf = (number: number): readonly string[] =>
    Array.from({ length: Math.max(Math.min(count - 70 * number, 70), 0) }, (_, at) => {
      const index = 70 * number + at;
      return `${index}/${timeOf(index)}/11.20/0.01/3/3360/${"BSM".charAt(index % 3)}`;
    });
  const pages = Math.ceil(count / 70);
  const spans = Array.from(
    { length: pages },
    (_, number) => `${timeOf(70 * number)}~${timeOf(Math.min(70 * number + 69, count - 1))}`,
  );
  return {
    info: `v_detail_time_sz000001=[${day},"${spans.join("|")}"]`,
    page: (number) => {
      const rows = pageOf(number);
      return rows.length === 0 ? "" : `v_detail_data_sz000001=[${number},"${rows.join("|")}"]`;
    },
  };
}

function answerTicks({ url }: HttpAsked, { info, page }: ReturnType<typeof ticksOf>): string {
  const query = new URL(url, "http://x").searchParams;
  return query.get("action") === "info" ? info : page(Number(query.get("p")));
}

const TICKS = codesCall("ticks", "000001.SZ", ["2026-03-17"]);

test("a day's prints are all of its pages, each with its second and its place in it", async () => {
  for (const count of [1, 69, 70, 71, 140, 200]) {
    const day = ticksOf(count);
    await using rig = await openRig((asked) => answerTicks(asked, day));
    const page = await rig.source.fetch(TICKS, never);
    assert.deepEqual([page.received, page.rows.length, page.rejected], [count, count, []]);
    assert.ok(page.rows.every(({ sequence, volume }) => sequence === 0 && volume === "300"));
  }
});

test("prints are asked for as the web page does: the day first, then page by page", async () => {
  const day = ticksOf(75);
  await using rig = await openRig((asked) => answerTicks(asked, day));
  const { rows } = await rig.source.fetch(TICKS, never);
  assert.deepEqual(
    rig.server.asked.map(({ url }) => url),
    [
      "/data/index.php?appn=detail&action=info&c=sz000001",
      "/data/index.php?appn=detail&action=data&c=sz000001&p=0",
      "/data/index.php?appn=detail&action=data&c=sz000001&p=1",
    ],
  );
  assert.deepEqual(
    rows.slice(0, 3).map(({ direction }) => direction),
    [TICK_DIRECTION.ACTIVEBUY, TICK_DIRECTION.ACTIVESELL, TICK_DIRECTION.NEUTRAL],
  );
});

test("prints of another day are none of the day that was asked for", async () => {
  const day = ticksOf(75, "20260316");
  await using rig = await openRig((asked) => answerTicks(asked, day));
  assert.deepEqual(await rig.source.fetch(TICKS, never), {
    dataSet: "ticks",
    rows: [],
    rejected: [],
    received: 0,
    rest: [],
  });
  assert.equal(rig.server.asked.length, 1);
});

test("a list that changed while it was read is read once more, and is no answer the second time", async () => {
  const day = ticksOf(150);
  const skipped = day.page(1).replace("[1,", "[1,").replace('"70/', '"71/');
  const torn: readonly ((number: number) => string)[] = [
    (number) => (number === 1 ? day.page(0) : day.page(number)),
    (number) => (number === 1 ? skipped : day.page(number)),
    (number) => (number === 1 ? "" : day.page(number)),
    (number) => (number === 1 ? day.page(1).replace("09:33:30", "09:33:27") : day.page(number)),
  ];
  for (const page of torn) {
    let times = 1;
    await using rig = await openRig((asked) => {
      times -= asked.url.includes("action=info") && rig.server.asked.length > 1 ? 1 : 0;
      return answerTicks(asked, { ...day, page: times > 0 ? page : day.page });
    });
    assert.equal((await rig.source.fetch(TICKS, never)).rows.length, 150);
    times = 99;
    await assert.rejects(rig.source.fetch(TICKS, never), TransientError);
  }
});

test("Tencent's silence about a code is empty, its silence about everything a ban", async () => {
  let isSilent = false;
  const known = ticksOf(3).info;
  await using rig = await openRig(({ url }) => (isSilent || url.includes("sh600001") ? "" : known));
  const call = codesCall("ticks", "600001.SH", ["2026-03-17"]);
  assert.equal((await rig.source.fetch(call, never)).received, 0);
  isSilent = true;
  await waitOf(rig.source.fetch(call, never));
});

test("prints of the auctions and after the close say so, and the board for science has its unit told", async () => {
  const rows = [
    "0/09:25:00/50.00/0/2/10000.00/B",
    "1/10:00:00/50.00/0/250/12500/B",
    "2/15:00:02/50.00/0/3/15000/S",
    "3/15:20:15/50.00/0/4/20000/M",
    "4/15:20:15/50.00/0/4/20000/M",
    "5/15:20:15/50.00/0/4/777/M",
    "6/15:20:15/50.00/0/4/20000/X",
  ];
  await using rig = await openRig(({ url }) =>
    url.includes("action=info")
      ? `v_detail_time_sh688001=[20260317,"09:25:00~15:20:15"]`
      : `v_detail_data_sh688001=[0,"${rows.join("|")}"]`,
  );
  const page = await rig.source.fetch(codesCall("ticks", "688001.SH", ["2026-03-17"]), never);
  assert.deepEqual(
    page.rows.map(({ volume, flags, sequence }) => [volume, flags, sequence]),
    [
      ["200", TICK_FLAGS.auction, 0],
      ["250", 0, 0],
      ["300", TICK_FLAGS.auction, 0],
      ["400", TICK_FLAGS.afterHours, 0],
      ["400", TICK_FLAGS.afterHours, 1],
    ],
  );
  assert.deepEqual(
    page.rejected.map(({ reason }) => reason),
    ["out-of-range", "not-parseable"],
  );
});
