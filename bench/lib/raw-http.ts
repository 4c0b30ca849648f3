import { Agent, request } from "node:http";

/** Posts bytes that stand ready over one kept connection: what a server takes by HTTP if its client cost nothing. */
export interface RawHttp extends Disposable {
  post(query: string, body: Buffer): Promise<void>;
}

export function openRawHttp(url: string, settings: Readonly<Record<string, string>>): RawHttp {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post: (query, body) => {
      const target = new URL(url);
      target.search = new URLSearchParams({ ...settings, query }).toString();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sent = request(target, { method: "POST", agent, headers: { "Content-Length": body.length } }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (text += chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          if (answer.statusCode === 200) {
            resolve();
          } else {
            reject(new Error(`posting ${body.length} bytes: ${answer.statusCode}: ${text.slice(0, 300)}`));
          }
        });
      });
      sent.on("error", reject);
      sent.end(body);
      return promise;
    },
    [Symbol.dispose]: () => {
      agent.destroy();
    },
  };
}
