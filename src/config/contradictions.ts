import type { Config } from "../config.ts";
import { type ChainRule, chainRuleText } from "../domain/chain-rule.ts";

/** Settings that are right by themselves and cannot be together, one sentence each. */
export function contradictionsIn(config: Config): readonly string[] {
  const { kafka, clickhouse, redis, mysql, heartbeat, quality, schedule, worker } = config;
  const twice = config.providers.chain.find((provider, at, chain) => chain.indexOf(provider) !== at);
  const rule = config.providers.chains.find((one, at, all) => all.findIndex((other) => isOfSame(one, other)) !== at);
  return [
    ...when(twice !== undefined, `setting providers.chain names ${twice} twice`),
    ...when(
      rule !== undefined,
      `setting providers.chains has two rules for the same, the second is ${rule === undefined ? "" : chainRuleText(rule)}: name all providers in one, such as ticks=tdx+akshare`,
    ),
    ...when(
      config.mode === "servers" && kafka.brokers.length === 0,
      "setting mode is servers, but kafka.brokers names no broker",
    ),
    ...when(
      kafka.saslMechanism !== undefined && (kafka.user === undefined || kafka.password === undefined),
      `setting kafka.sasl_mechanism is ${kafka.saslMechanism}, but kafka.user or kafka.password is missing`,
    ),
    ...when(
      kafka.saslMechanism === undefined && kafka.password !== undefined,
      "setting kafka.password is set, but kafka.sasl_mechanism does not say how to use it",
    ),
    ...when(
      (kafka.tlsCert === undefined) !== (kafka.tlsKey === undefined),
      "settings kafka.tls_cert and kafka.tls_key need each other, and only one is set",
    ),
    ...noTlsFor("kafka.tls_ca", kafka.tlsCa, kafka.tls, "set kafka.tls to true"),
    ...noTlsFor("kafka.tls_cert", kafka.tlsCert, kafka.tls, "set kafka.tls to true"),
    ...noTlsFor("redis.tls_ca", redis.tlsCa, redis.tls, "set redis.tls to true"),
    ...noTlsFor("mysql.tls_ca", mysql.tlsCa, mysql.tls, "set mysql.tls to true"),
    ...noTlsFor(
      "clickhouse.tls_ca",
      clickhouse.tlsCa,
      clickhouse.url?.startsWith("http:") !== true,
      "write https:// in clickhouse.url, or set clickhouse.https to true",
    ),
    ...when(
      kafka.heartbeatMs * 3 > kafka.sessionMs,
      `setting kafka.heartbeat_ms is ${kafka.heartbeatMs}, more than a third of kafka.session_ms, ${kafka.sessionMs}`,
    ),
    ...when(
      clickhouse.replicated && clickhouse.cluster === undefined,
      "setting clickhouse.replicated is true, but clickhouse.cluster names no cluster",
    ),
    ...when(
      schedule.enabled && config.mode === "servers" && config.redis.host === undefined,
      "setting schedule.enabled is true, but redis.host is missing: there the workers agree who does the runs",
    ),
    ...when(
      heartbeat.ttlMs <= heartbeat.intervalMs,
      `setting heartbeat.ttl is ${heartbeat.ttlMs} ms, not longer than heartbeat.interval, ${heartbeat.intervalMs} ms`,
    ),
    ...when(
      worker.batchSize > worker.batchRowsMax,
      `setting worker.batch_size is ${worker.batchSize}, more than worker.batch_rows_max, ${worker.batchRowsMax}`,
    ),
    ...when(
      quality.missingThresholdWarning > quality.missingThresholdError,
      "setting quality.missing_threshold_warning is higher than quality.missing_threshold_error",
    ),
    ...when(
      quality.delayMsWarning > quality.delayMsError,
      "setting quality.delay_threshold_warning is higher than quality.delay_threshold_error",
    ),
  ];
}

function isOfSame(left: ChainRule, right: ChainRule): boolean {
  return left.subject === right.subject && left.market === right.market && left.kind === right.kind;
}

/** Whoever names an authority means to be safe, and would not notice that nothing is. */
function noTlsFor(setting: string, path: string | undefined, isTlsOn: boolean, todo: string): readonly string[] {
  return when(
    path !== undefined && !isTlsOn,
    `setting ${setting} is set, but TLS is off, so everything would be sent readably: ${todo}, or take ${setting} away`,
  );
}

function when(isSo: boolean, problem: string): readonly string[] {
  return isSo ? [problem] : [];
}
