import assert from "node:assert/strict";
import { test } from "node:test";

import { type ConfigSources, describeConfig, loadConfig, type LoadedConfig } from "../config.ts";
import { NAMED_SETTINGS, type NamedSetting } from "./names.ts";
import { SettingsError } from "./settings-error.ts";

const SECRETS = NAMED_SETTINGS.filter(({ setting }) => setting.isSecret);
const VALUE = "s3cret-with=/+% inside";
const PATH = "/etc/gdw/secret";

interface Way {
  readonly is: string;
  readonly sources: Partial<ConfigSources> & { readonly yaml?: string };
}

/** Every way in which a file with this secret can be named. */
function waysOf({ name, flag, variables }: NamedSetting): readonly Way[] {
  const [group = "", key = ""] = name.split(".");
  return [
    ...variables.map((variable) => ({ is: `${variable}_FILE`, sources: { env: { [`${variable}_FILE`]: PATH } } })),
    { is: flag, sources: { flags: new Map([[flag, PATH]]) } },
    { is: `${name}_file`, sources: { yaml: `${group}: {${key}_file: ${PATH}}` } },
  ];
}

function load({ yaml, ...sources }: Way["sources"], text: string | undefined | Error): LoadedConfig {
  return loadConfig({
    flags: new Map(),
    env: {},
    readFile: (path) => {
      if (path === PATH && text instanceof Error) {
        throw text;
      }
      return path === PATH ? (String(text) === "undefined" ? undefined : String(text)) : yaml;
    },
    ...sources,
  });
}

function problemsOf(sources: Way["sources"], text: string | undefined | Error): readonly string[] {
  try {
    load(sources, text);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    assert.ok(!error.message.includes(VALUE));
    return error.problems;
  }
  return assert.fail("the settings were taken");
}

test("there are secrets, and no flag takes one of them itself", () => {
  assert.deepEqual(
    SECRETS.map(({ name }) => name),
    [
      "kafka.password",
      "clickhouse.password",
      "redis.password",
      "mysql.password",
      "tushare.token",
      "baostock.password",
      "baostock.api_key",
      "traces.headers",
    ],
  );
  assert.ok(SECRETS.every(({ flag }) => flag.endsWith("-file")));
});

for (const named of SECRETS) {
  const { name } = named;
  // A password without a mechanism to use it would be a problem of its own.
  const beside: Readonly<Record<string, string>> =
    name === "kafka.password" ? { GINKGO_KAFKA_SASL_MECHANISM: "PLAIN", GINKGO_KAFKA_USER: "u" } : {};
  const ways = waysOf(named).map(({ is, sources }) => ({
    is,
    sources: { ...sources, env: { ...beside, ...sources.env } },
  }));

  test(`${name} is read from a file however it is named, without the line's end, and is never shown`, () => {
    for (const { is, sources } of ways) {
      for (const end of ["", "\n", "\r\n"]) {
        const loaded = load(sources, VALUE + end);
        assert.ok(loaded.secrets.includes(VALUE), is);
        const row = describeConfig(loaded).find(({ setting }) => setting === name);
        assert.equal(row?.value, "******", is);
        assert.ok(row?.from.includes(PATH), row?.from);
        assert.ok(!JSON.stringify([loaded.rows, loaded.warnings]).includes(VALUE), is);
      }
    }
  });

  test(`${name}: a file that is missing, empty or not to be read is a problem with name and path`, () => {
    for (const { is, sources } of ways) {
      const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
      const folder = Object.assign(new Error("EISDIR: illegal operation"), { code: "EISDIR" });
      for (const [text, said] of [
        [undefined, `there is no file ${PATH}`],
        ["", `nothing stands in ${PATH}`],
        [" \n\n", `nothing stands in ${PATH}`],
        [denied, `reading ${PATH}: this user may not read it`],
        [folder, `reading ${PATH}: it is a folder, not a file`],
      ] as const) {
        const problems = problemsOf(sources, text);
        assert.ok(
          problems.some((problem) => problem.startsWith(`setting ${name} from `) && problem.endsWith(said)),
          `${is}: ${problems.join("; ")}`,
        );
      }
    }
  });

  test(`${name} said itself and by a file, in one place, is a problem that shows neither`, () => {
    for (const variable of named.variables) {
      const env = { ...beside, [variable]: VALUE, [`${variable}_FILE`]: PATH };
      assert.deepEqual(problemsOf({ env }, VALUE), [
        `setting ${name} is said twice, by environment ${variable} and by environment ${variable}_FILE: one is enough`,
      ]);
    }
    const [group = "", key = ""] = name.split(".");
    const yaml = `${group}: {${key}: '${VALUE}', ${key}_file: ${PATH}}`;
    assert.match(problemsOf({ env: beside, yaml }, VALUE)[0] ?? "", /is said twice/);
  });

  test(`${name} in a file that everybody may read is a warning, mounted by a platform it is none`, () => {
    const [variable = ""] = named.variables;
    const [group = "", key = ""] = name.split(".");
    const warningsOf = (sources: Way["sources"], isOpen = true): readonly string[] =>
      load({ ...sources, isOpenToAll: () => isOpen }, VALUE).warnings;
    const env = { ...beside, [`${variable}_FILE`]: PATH };
    const warning = `${PATH} holds ${name} and everybody on this machine may read it: take that right away, chmod 600 does`;
    assert.deepEqual(warningsOf({ env }), [warning]);
    assert.deepEqual(warningsOf({ env }, false), []);
    const yaml = `${group}: {${key}: '${VALUE}'}`;
    assert.deepEqual(warningsOf({ env: beside, yaml }), [warning.replace(PATH, "data_worker.yml")]);
    const mounted = { ...beside, [`${variable}_FILE`]: "/run/secrets/one" };
    assert.deepEqual(
      warningsOf({ env: mounted, readFile: (path) => (path.startsWith("/run") ? VALUE : undefined) }),
      [],
    );
  });
}

test("one file with several secrets is one warning", () => {
  const yaml = "redis: {password: a-secret}\nmysql: {password: b-secret}\n";
  const { warnings } = load({ yaml, isOpenToAll: () => true }, undefined);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /holds redis\.password, mysql\.password and/);
});

test("a private key that everybody may read is a warning as well", () => {
  const env = { GINKGO_KAFKA_TLS: "true", GINKGO_KAFKA_TLS_CERT: "/c.pem", GINKGO_KAFKA_TLS_KEY: "/k.pem" };
  const { warnings } = load({ env, isOpenToAll: (path) => path === "/k.pem" }, undefined);
  assert.match(warnings.join("; "), /^\/k\.pem holds kafka\.tls_key and everybody/);
});

test("an authority that is named while TLS is off is a contradiction, not plain text on the wire", () => {
  const ca = "/ca.pem";
  for (const [env, setting] of [
    [{ GINKGO_KAFKA_BROKERS: "k", GINKGO_KAFKA_TLS_CA: ca }, "kafka.tls_ca"],
    [{ GINKGO_REDIS_HOST: "r", GINKGO_REDIS_TLS_CA: ca }, "redis.tls_ca"],
    [{ GINKGO_MYSQL_HOST: "m", GINKGO_MYSQL_TLS_CA: ca }, "mysql.tls_ca"],
    [{ GINKGO_CLICKHOUSE_HOST: "c", GINKGO_CLICKHOUSE_TLS_CA: ca }, "clickhouse.tls_ca"],
  ] as const) {
    assert.match(problemsOf({ env }, undefined).join("; "), new RegExp(`setting ${setting} is set, but TLS is off`));
  }
  load(
    { env: { GINKGO_CLICKHOUSE_HOST: "c", GINKGO_CLICKHOUSE_HTTPS: "true", GINKGO_CLICKHOUSE_TLS_CA: ca } },
    undefined,
  );
});

test("what was to be an address and is none is shown without user and password", () => {
  for (const bad of ["htp://me:pa/ss@h", "me:pass@kafka:9092", "http://me:p@ss@h h", "http://pass:@:x"]) {
    for (const variable of ["GINKGO_CLICKHOUSE_URL", "GINKGO_KAFKA_BROKERS", "GINKGO_REDIS_HOST", "HTTPS_PROXY"]) {
      const problems = problemsOfLoose({ env: { [variable]: bad } }).join("; ");
      assert.doesNotMatch(problems, /pass|pa\/ss|p@ss/, `${variable}: ${problems}`);
    }
  }
});

test("a token that stands in an address as a name is no less a secret", () => {
  const loaded = load({ env: { HTTPS_PROXY: "http://a-token@proxy:3128" } }, undefined);
  assert.ok(loaded.secrets.includes("a-token"));
  assert.ok(!JSON.stringify(loaded.rows).includes("a-token"));
});

/** None when the value was taken after all. */
function problemsOfLoose(sources: Way["sources"]): readonly string[] {
  try {
    load(sources, undefined);
    return [];
  } catch (error) {
    return error instanceof SettingsError ? error.problems : [String(error)];
  }
}
