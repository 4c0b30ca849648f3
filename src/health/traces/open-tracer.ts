import { createRequire } from "node:module";

import type { Tracer } from "@opentelemetry/api";

import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import { describeError, PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

export interface TracerOptions {
  /** The collector; `/v1/traces` is added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Part of the traces that are kept where the producer does not decide, 0 to 1. */
  readonly sampleRatio: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The file beside which packages are looked for; this one by default. */
  readonly packagesAt?: string;
}

export interface OpenTracer extends AsyncDisposable {
  readonly tracer: Tracer;
}

const EXPORTER = "@opentelemetry/exporter-trace-otlp-http";
const SPANS_MAX = 16_384;
const SPANS_OF_ONE_EXPORT = 512;
const EXPORT_EVERY_MS = 2_000;
const EXPORT_MS_MAX = 10_000;
const EXPORTS_MAX = 30;
const CLOSE_MS_MAX = 5_000;
/** What the exporter calls itself in metrics of its own, which nobody reads here. */
const COMPONENT = "otlp_http_span_exporter";

/**
 * A tracer that sends its spans to a collector by OTLP over HTTP. It is nobody else's: nothing global is set, and no variable of
 * the process is read. Throws PermanentError (settings) when the exporter, which is no dependency of ours, is not installed.
 */
export async function openTracer(options: TracerOptions): Promise<OpenTracer> {
  const { endpoint, headers, sampleRatio, attributes, version, clock, log } = options;
  const { sdk, resources, ...otlp } = loadSdk(options.packagesAt ?? import.meta.url);
  const url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  const exporter = createExporter(otlp, url, headers);
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes(attributes),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: withTrouble(exporter, log),
        maxQueueSize: SPANS_MAX,
        maxExportBatchSize: SPANS_OF_ONE_EXPORT,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_MS_MAX,
      }),
    ],
  });
  return {
    tracer: provider.getTracer("ginkgo-data-worker", version),
    [Symbol.asyncDispose]: async () => {
      try {
        await withDeadline(provider.shutdown(), CLOSE_MS_MAX, "sending the last spans", clock);
      } catch (error) {
        log.warn("the last spans were not sent", { why: describeError(error) });
      }
    },
  };
}

/**
 * The exporter's own constructor adds whatever `OTEL_EXPORTER_OTLP_*` says: headers, certificates, keys. Those may be the
 * embedding program's and meant for another collector, so the exporter is put together from what the settings say alone.
 */
function createExporter(
  { base, http, transformer }: Pick<Loaded, "base" | "http" | "transformer">,
  url: string,
  headers: TracerOptions["headers"],
): SpanExporter {
  const delegate = http.createOtlpHttpExportDelegate(
    {
      url,
      // A new object each time: the transport adds to it.
      headers: async () => ({ ...headers, "Content-Type": "application/json" }),
      timeoutMillis: EXPORT_MS_MAX,
      concurrencyLimit: EXPORTS_MAX,
      compression: "none",
      agentFactory: http.httpAgentFactoryFromOptions({ keepAlive: true }),
      userAgent: undefined,
    },
    transformer.JsonTraceSerializer,
    COMPONENT,
    transformer.TraceExporterMetricsHelper,
  );
  return new base.OTLPExporterBase(delegate);
}

/** As much of the SDK as is used; the packages themselves need not be there. */
interface SpanExporter {
  export(spans: readonly unknown[], done: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
  forceFlush?(): Promise<void>;
}

interface Sdk {
  readonly TracerProvider: new (options: {
    readonly resource: unknown;
    readonly sampler: unknown;
    readonly spanProcessors: readonly unknown[];
  }) => { getTracer(name: string, version: string): Tracer; shutdown(): Promise<void> };
  readonly BatchSpanProcessor: new (options: Readonly<Record<string, unknown>>) => unknown;
  readonly ParentBasedSampler: new (options: { readonly root: unknown }) => unknown;
  readonly TraceIdRatioBasedSampler: new (ratio: number) => unknown;
}

interface Loaded {
  readonly base: { readonly OTLPExporterBase: new (delegate: unknown) => SpanExporter };
  readonly http: {
    createOtlpHttpExportDelegate(
      options: Readonly<Record<string, unknown>>,
      serializer: unknown,
      component: string,
      metricsHelper: unknown,
    ): unknown;
    httpAgentFactoryFromOptions(options: { readonly keepAlive: boolean }): unknown;
  };
  readonly transformer: { readonly JsonTraceSerializer: unknown; readonly TraceExporterMetricsHelper: unknown };
  readonly sdk: Sdk;
  readonly resources: { resourceFromAttributes(attributes: Readonly<Record<string, string>>): unknown };
}

/** The exporter brings the SDK that it is made for, so it alone has to be installed, and the two fit each other. */
function loadSdk(packagesAt: string): Loaded {
  try {
    const fromHere = createRequire(packagesAt);
    const fromExporter = createRequire(fromHere.resolve(EXPORTER));
    const fromSdk = createRequire(fromExporter.resolve("@opentelemetry/sdk-trace"));
    return {
      base: fromExporter("@opentelemetry/otlp-exporter-base"),
      http: fromExporter("@opentelemetry/otlp-exporter-base/node-http"),
      transformer: fromExporter("@opentelemetry/otlp-transformer"),
      sdk: fromExporter("@opentelemetry/sdk-trace"),
      resources: fromSdk("@opentelemetry/resources"),
    };
  } catch (error) {
    throw new PermanentError(
      `traces.endpoint is set, and what sends them is not installed (${firstLine(describeError(error))}): npm install ${EXPORTER}, version 0.301 or newer, or leave the setting out`,
      "settings",
      { cause: error },
    );
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** A collector that takes nothing is said once, and once again when it does. */
function withTrouble(exporter: SpanExporter, log: Log): SpanExporter {
  let lost = 0;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        if (result.code === 0) {
          if (lost > 0) {
            log.info("spans are taken again", { lost });
          }
          lost = 0;
        } else {
          if (lost === 0) {
            log.warn("the collector takes no spans, they are lost", { why: describeError(result.error) });
          }
          lost += spans.length;
        }
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
