import { randomUUID } from "node:crypto";

import { systemClock } from "../../base/clock.ts";
import { MARKET } from "../../domain/enums.ts";
import { mergedCalendar } from "../../planning/trading-calendar.ts";
import { openClickHouseLedger } from "../../store/clickhouse/ledger.ts";
import { ensureSchema } from "../../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../../store/clickhouse/store.ts";
import { openOurClickHouse, openReference, schemaOptions } from "../open-store.ts";
import { retryWaitsOf } from "../retry-waits.ts";
import type { ImportApi } from "./import-api.ts";
import { importFiles } from "./import-files.ts";
import { planTdxImport } from "./plan-import.ts";

/** TongDaXin's own record files as bars. The store is the server, a running worker's engine, or the folder nobody holds. */
export const importCommands: ImportApi = {
  planImport: async (_config, request, watch, signal) =>
    (await planTdxImport(request, systemClock.nowMs(), watch, signal)).plan,

  importFiles: async (config, request, watch, log, signal) => {
    const requestId = randomUUID();
    const { plan, readable } = await planTdxImport(request, systemClock.nowMs(), watch, signal);
    if (readable.length === 0) {
      return { ...plan, requestId, files: [] };
    }
    await using opened = new AsyncDisposableStack();
    const clickhouse = opened.use(await openOurClickHouse(config, log, signal));
    await ensureSchema(clickhouse, schemaOptions(config, config.schema.auto), log, signal);
    const reference = await openReference(config, clickhouse, log, signal, opened);
    const parts = {
      store: opened.use(createClickHouseStore({ clickhouse, clock: systemClock, log })),
      ledger: openClickHouseLedger(clickhouse, systemClock),
      calendar: mergedCalendar(await reference.calendar(MARKET.CHINA, signal)),
      requestId,
      clock: systemClock,
      log,
      waits: retryWaitsOf(config),
    };
    const { files, refused } = await importFiles(readable, parts, watch, signal);
    return { ...plan, requestId, files, refused: [...plan.refused, ...refused] };
  },
};
