/** Variables of the Kafka image that are for its scripts and no settings of the broker. */
const NO_SETTINGS = new Set(["KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JMX_OPTS", "KAFKA_VERSION"]);

/** The broker's settings as the image makes them of its variables: `KAFKA_NODE_ID` becomes `node.id`. */
export function kafkaProperties(environment: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(environment)
      .filter(([name]) => name.startsWith("KAFKA_") && !NO_SETTINGS.has(name))
      .map(([name, value]) => [
        name
          .slice("KAFKA_".length)
          .toLowerCase()
          .replaceAll("___", "-")
          .replaceAll("__", "\0")
          .replaceAll("_", ".")
          .replaceAll("\0", "_"),
        value,
      ]),
  );
}

export interface Listener {
  readonly name: string;
  /** Empty for every address of the machine. */
  readonly host: string;
  readonly port: number;
}

/** `NETWORK://kafka:9092,HOST://:9094` taken apart. */
export function listenersOf(text: string | undefined): readonly Listener[] {
  return (text ?? "").split(",").flatMap((entry) => {
    const [, name = "", host = "", port = ""] = /^(\w+):\/\/([^:]*):(\d+)$/.exec(entry.trim()) ?? [];
    return name === "" ? [] : [{ name, host, port: Number.parseInt(port, 10) }];
  });
}
