import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly error: string | undefined;
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Each request's path and headers. */
  readonly requests: readonly { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }[];
  readonly resources: readonly Readonly<Record<string, unknown>>[];
  /** Everything that came, as text. */
  readonly text: () => string;
}

interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
}
interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}
interface OtlpSpan extends Omit<CollectedSpan, "parentSpanId" | "attributes" | "startMs" | "endMs" | "error"> {
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const ERROR = 2;

/** A collector that takes OTLP as JSON over HTTP and keeps what it says. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const requests: { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }[] = [];
  const resources: Readonly<Record<string, unknown>>[] = [];
  const texts: string[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      texts.push(JSON.stringify(body));
      requests.push({ path: request.url ?? "", headers: request.headers });
      for (const { resource, scopeSpans } of (body as OtlpBody).resourceSpans) {
        resources.push(fieldsOf(resource.attributes));
        spans.push(...scopeSpans.flatMap((scope) => scope.spans.map(toSpan)));
      }
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    resources,
    text: () => texts.join("\n"),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function toSpan(span: OtlpSpan): CollectedSpan {
  const { traceId, spanId, parentSpanId = "", name, kind, startTimeUnixNano, endTimeUnixNano, attributes } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startMs: Number(startTimeUnixNano) / 1e6,
    endMs: Number(endTimeUnixNano) / 1e6,
    attributes: fieldsOf(attributes),
    links: span.links ?? [],
    error: span.status?.code === ERROR ? (span.status.message ?? "") : undefined,
  };
}

function fieldsOf(attributes: readonly KeyValue[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)]),
  );
}
