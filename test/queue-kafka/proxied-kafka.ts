import { freePort } from "../support/services/free-port.ts";
import { startKafka, type KafkaService } from "../support/services/kafka.ts";
import { type KafkaProxy, startKafkaProxy } from "./kafka-proxy.ts";

/** A broker with two doors: the usual one, and one that is advertised at a proxy of the test. */
export interface ProxiedKafka extends AsyncDisposable {
  readonly service: KafkaService;
  readonly proxy: KafkaProxy;
  /** Whoever starts here is led past the proxy by all that the broker answers. */
  readonly proxied: string;
}

export async function startProxiedKafka(): Promise<ProxiedKafka> {
  await using stack = new AsyncDisposableStack();
  const [proxyPort, behindPort] = [await freePort(), await freePort()];
  const proxy = stack.use(await startKafkaProxy(proxyPort, behindPort));
  const service = stack.use(
    await startKafka({
      settings: (port, controllerPort) => ({
        listeners: `PLAINTEXT://127.0.0.1:${port},PROXIED://127.0.0.1:${behindPort},CONTROLLER://127.0.0.1:${controllerPort}`,
        "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},PROXIED://127.0.0.1:${proxyPort}`,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
      }),
    }),
  );
  const held = stack.move();
  return { service, proxy, proxied: `127.0.0.1:${proxyPort}`, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
