import type { AkshareClient, UpstreamRequest } from "../../../src/sources/akshare/client.ts";

/** A client whose answers are bytes that are there already: what is left of a call is to read them. */
export function scriptedUpstream(bodyOf: (request: UpstreamRequest) => Buffer | undefined): AkshareClient {
  return {
    // oxlint-disable-next-line require-await
    ask: async (request, read) => {
      const text = new TextDecoder(request.charset ?? "utf-8").decode(bodyOf(request) ?? Buffer.alloc(0));
      return read({ status: 200, text, header: () => [] });
    },
    blocked: (upstream, message) => {
      throw new RangeError(`${upstream} has no answer: ${message}`);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
