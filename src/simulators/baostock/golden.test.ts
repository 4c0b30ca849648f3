import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { ask, LOGIN, readAnswer, request, wire } from "../../../test/support/baostock-wire.ts";
import { RawConnection } from "../../../test/support/raw-connection.ts";
import type { BaostockData } from "./baostock-data.ts";
import { marketData } from "./market-data.ts";
import { readExchangeFiles, readRecording, recordingFromExchanges } from "./recording.ts";
import { startBaostockSimulator } from "./simulator.ts";

/**
 * Answers of the official server, recorded on 2026-04-22 by simplerjiang/baostock.NET (MIT license), tests/Fixtures; `|`
 * stands for the byte 01. The whole recordings lie outside the repository.
 */
const SAMPLES = {
  login: {
    at: "2026-04-22T16:37:59.563+08:00",
    request: "00.9.10|00|0000000024login|anonymous|123456|0|359766228\n",
    response: "00.9.00|01|00000000430|success|login|anonymous|20260422163759563|4202758179<![CDATA[]]>\n",
  },
  logout: {
    at: "2026-04-22T16:38:18.112+08:00",
    request: "00.9.10|02|0000000031logout|anonymous|20260422163817|3048745042\n",
    response: "00.9.00|03|00000000440|success|logout|anonymous|20260422163818112|3770645638<![CDATA[]]>\n",
  },
  wrongCount: {
    request: "00.9.10|71|0000000033query_st_stocks|anonymous|1|10000|1034797742\n",
    response: "00.9.00|04|000000001810004006|请求参数个数不正确|2919836516<![CDATA[]]>\n",
  },
  tradeDates: {
    request: "00.9.10|33|0000000057query_trade_dates|anonymous|1|10000|2024-01-01|2024-01-10|1765248389\n",
    response:
      '00.9.00|34|00000003000|success|query_trade_dates|anonymous|1|10000|{"record":[["2024-01-01","0"],["2024-01-02","1"],["2024-01-03","1"],["2024-01-04","1"],["2024-01-05","1"],["2024-01-06","0"],["2024-01-07","0"],["2024-01-08","1"],["2024-01-09","1"],["2024-01-10","1"]]}|2024-01-01|2024-01-10|calendar_date, is_trading_day|2431274927<![CDATA[]]>\n',
  },
} as const;

const STOCK_BASIC = {
  request: "00.9.10|45|0000000046query_stock_basic|anonymous|1|10000|sh.600000||2628845930\n",
  response:
    '00.9.00|46|00000001620|success|query_stock_basic|anonymous|1|10000|{"record":[["sh.600000","浦发银行","1999-11-10","","1","1"]]}|sh.600000||code, code_name, ipoDate, outDate, type, status|3528582555<![CDATA[]]>\n',
};

const ADJUST_FACTOR = {
  request: "00.9.10|15|0000000069query_adjust_factor|anonymous|1|10000|sh.600000|2023-01-01|2023-12-31|33309466\n",
  response:
    '00.9.00|16|00000002230|success|query_adjust_factor|anonymous|1|10000|{"record":[["sh.600000","2023-07-21","0.936211","11.949786","11.949786"]]}|sh.600000|2023-01-01|2023-12-31|code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFactor|199214273<![CDATA[]]>\n',
};

const MINUTES = {
  request:
    "00.9.10|95|0000000140query_history_k_data_plus|anonymous|1|10000|sh.600000|date,time,code,open,high,low,close,volume,amount,adjustflag|2024-01-02|2024-01-03|60|2|3612937324\n",
  responseHex:
    "30302e392e3030013936013030303030303034303478019d54d14ec3300c547ea5cf61b2e3c449f81584a6aa2b6c5016585bd084f877bc768365535145a4aa71" +
    "2fb52fe74b40b57d55d56dabdefa7ab75fae376d97e4fdbc5c955db97c6dfa5695dbb4ddbf2499a14290a13e8b5d5da5ddaab8bdbb2b0c187b037803a6d04300" +
    "0806810e2b01e45bbb5ef069ce0b031e7c88020b24a1710108dd31c410c8592f650614a3f7c8c10c61601346c07903d1a25d1c2b98e25e4f11c1b94490ad45b0" +
    "a7cac2319a03ef91c87948ecc308184be408790e11c93c8c2b45f03cf795401768a688054f2361c3d17ae0598a88d61344ced5e645564ac29c66163aefbde494" +
    "ad51907ec933a108c9928361c42334ed11e4c804361ec53717adb940334345e135fc665d403401e610f9af4772b366ce266018f9cb767d0c76aa359922931ec9" +
    "725f7b242792354ece571c3d821e294af3e72832ed91bcd4dfc7376b9c63a65111f22eb21ce13322f75feae79a5072f5d4badbbcd4ba4aab5aa7d77aabd79bc7" +
    "b56ed287ae9ad4d6fa3d35bde0a55c4bdb4e97aba7beed1e9af251fdde46bf53520cca7c03fd32062401323836383335323437330a3c215b43444154415b5d5d" +
    "3e0a",
};

const RECORDINGS = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "baostock");

function clockAt(text: string): Clock {
  const now = Temporal.Instant.from(text);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

const market = marketData(generateMarket({ seed: 11, codes: 8, tradingDays: 5 }));

/** The bytes that a raw client gets for a request, on a connection that is logged in unless the request is the login. */
async function exchange(data: BaostockData, sent: Buffer, at = "2026-04-22T16:38:00+08:00"): Promise<Buffer> {
  await using simulator = await startBaostockSimulator({ data, clock: clockAt(at) });
  await using connection = await RawConnection.open(simulator.port);
  if (!sent.toString("latin1").includes("login")) {
    await ask(connection, LOGIN);
  }
  return await ask(connection, sent);
}

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`the recorded ${name} request gets the recorded bytes`, async () => {
    const got = await exchange(market, wire(sample.request), "at" in sample ? sample.at : undefined);
    assert.equal(got.toString("latin1"), wire(sample.response).toString("latin1"));
  });
}

test("a retired type gets the recorded bytes", async () => {
  // Of the request only its type and method were written down.
  const got = await exchange(
    market,
    request("75", "query_cpi_data|anonymous|1|10000|2024-01-01|2024-01-31", "00.9.10"),
  );
  assert.equal(
    got.toString(),
    wire("00.9.00|04|000000001610004020|错误的消息类型|1867595674<![CDATA[]]>\n").toString(),
  );
});

test("no rows: an empty field and the recorded checksum", async () => {
  const data = recordingFromExchanges([]);
  const got = await exchange(data, request("69", "query_suspended_stocks|anonymous|1|10000|2024-01-02", "00.9.10"));
  assert.equal(
    got.toString(),
    wire(
      "00.9.00|70|00000000900|success|query_suspended_stocks|anonymous|1|10000||2024-01-02|updateDate, code, code_name|2644211955<![CDATA[]]>\n",
    ).toString(),
  );
});

for (const [name, sample] of Object.entries({ STOCK_BASIC, ADJUST_FACTOR })) {
  test(`rows of a recording are framed to the recorded bytes: ${name}`, async () => {
    const [sent, expected] = [wire(sample.request), wire(sample.response)];
    const data = recordingFromExchanges([{ request: sent, response: expected }]);
    assert.equal((await exchange(data, sent)).toString(), expected.toString());
  });
}

test("the recorded K-line request gets a frame of the recorded form with the recorded text", async () => {
  const [sent, expected] = [wire(MINUTES.request), Buffer.from(MINUTES.responseHex, "hex")];
  const data = recordingFromExchanges([{ request: sent, response: expected }]);
  assertSameCompressed(await exchange(data, sent), expected);
});

test("the same text compressed here inflates to the recorded text, under a header of the recorded form", async () => {
  const [sent, expected] = [wire(MINUTES.request), Buffer.from(MINUTES.responseHex, "hex")];
  const { packed: _packed, ...data } = recordingFromExchanges([{ request: sent, response: expected }]);
  const got = await exchange(data, sent);
  const [left, right] = [readAnswer(got), readAnswer(expected)];
  assert.deepEqual({ ...left, length: 0 }, { ...right, length: 0 });
  assert.ok(left.length > 300 && got[21 + left.length] === 1);
  assert.deepEqual(got.subarray(21, 23), Buffer.from([0x78, 0x01]));
  assert.equal(
    got
      .subarray(21 + left.length)
      .toString("latin1")
      .replace(/\d+/, "N"),
    "\u0001N\n<![CDATA[]]>\n",
  );
});

test("recorded rows in other pages and another version are compressed anew", async () => {
  const [sent, expected] = [wire(MINUTES.request), Buffer.from(MINUTES.responseHex, "hex")];
  const data = recordingFromExchanges([{ request: sent, response: expected }]);
  const body = wire(MINUTES.request).toString().slice(21).split("\u0001").slice(0, -1);
  const pages = [];
  for (const page of ["1", "2", "3"]) {
    const paged = body.with(2, page).with(3, "5").join("|");
    pages.push(...readAnswer(await exchange(data, request("95", paged))).rows);
  }
  assert.deepEqual(pages, readAnswer(expected).rows);
  assert.equal(pages.length, 8);
});

test(
  "every recorded request gets the recorded bytes",
  { skip: existsSync(RECORDINGS) ? false : `no recording at ${RECORDINGS}` },
  async (context) => {
    const data = await readRecording(RECORDINGS);
    const names = (await readdir(RECORDINGS)).filter((name) => !["login", "logout"].includes(name));
    for (const name of names) {
      const { request: sent, response } = await readExchangeFiles(join(RECORDINGS, name));
      const got = await exchange(data, sent);
      if (name.startsWith("query_history_k_data_plus")) {
        assertSameCompressed(got, response);
      } else {
        assert.ok(got.equals(response), `${name}: ${got.toString()}`);
      }
      context.diagnostic(`${name}: ${response.length} bytes`);
    }
    assert.ok(names.length >= 6);
  },
);

/**
 * Compressed frames: every byte but the digits of the checksum, for which nobody knows how the server reckons them. The
 * compressed bytes are the recorded ones only where the text that was made here is the recorded text; Node's own zlib packs
 * it into others, which must inflate to the same.
 */
function assertSameCompressed(got: Buffer, expected: Buffer): void {
  assert.equal(withoutChecksum(got), withoutChecksum(expected));
}

function withoutChecksum(frame: Buffer): string {
  const tail = frame.lastIndexOf(1);
  const end = frame.subarray(tail).toString("latin1");
  return frame.subarray(0, tail).toString("latin1") + end.replace(/\d+/, "N");
}
