import assert from "node:assert/strict";
import { test } from "node:test";

import type { ClusterMetadata, ExtendedGroupProtocolSubscription } from "@platformatic/kafka";
import fc from "fast-check";

import { assignPartitions } from "./assign-partitions.ts";

interface TestMember {
  readonly topics: readonly string[];
  holds: ReadonlyMap<string, readonly number[]>;
  generationId: number;
}

type Group = Map<string, TestMember>;

/** Two rounds settle every change: what moves is let go of in the first and taken in the second. */
const ROUNDS_MAX = 3;

test("whoever joins gets a share, however many were there before", () => {
  for (let count = 1; count <= 24; count += 1) {
    const group: Group = new Map();
    for (let index = 0; index < count; index += 1) {
      group.set(`m${index}`, newcomer(["t"]));
      settle(group, { t: 24 });
    }
    const sizes = [...group.values()].map((member) => placesOf(member).length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${count} members have ${sizes.join(", ")}`);
  }
});

test("nothing moves without need: a join takes what the newcomer gets, a leave moves what the leaver had", () => {
  const group: Group = new Map([["m0", newcomer(["t"])]]);
  settle(group, { t: 24 });
  for (const [id, moved] of [
    ["m1", 12],
    ["m2", 8],
    ["m3", 6],
  ] as const) {
    group.set(id, newcomer(["t"]));
    assert.equal(settle(group, { t: 24 }), moved, `${id} joins`);
  }
  group.delete("m1");
  assert.equal(settle(group, { t: 24 }), 6, "m1 leaves");
  assert.equal(settle(group, { t: 24 }), 0, "nobody comes or goes");
});

test("a partition is given to nobody while somebody else says that they hold it", () => {
  const group: Group = new Map([
    ["m0", { topics: ["t"], holds: new Map([["t", [0, 1]]]), generationId: 4 }],
    ["m1", { topics: ["t"], holds: new Map([["t", [1]]]), generationId: 4 }],
    ["old", { topics: ["t"], holds: new Map([["t", [0]]]), generationId: 2 }],
  ]);
  const given = assign(group, { t: 2 });
  assert.deepEqual(
    [...given.entries()].flatMap(([id, share]) => placesOf({ holds: share }).map((at) => `${id} ${at}`)),
    ["m0 t/0"],
  );
});

test("a topic that the leader does not read is shared among those who read it", () => {
  const group: Group = new Map([
    ["m0", newcomer(["t"])],
    ["m1", newcomer(["t", "side"])],
  ]);
  settle(group, { t: 4, side: 3 });
  assert.deepEqual(group.get("m1")?.holds.get("side"), [0, 1, 2]);
  assert.equal(group.get("m0")?.holds.get("t")?.length, 4);
});

test("whoever comes and goes: in a few rounds every partition has one reader, evenly, and none ever had two", () => {
  const step = fc.record({ id: fc.nat({ max: 7 }), topics: fc.constantFrom(["t"], ["t", "side"]) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat({ max: 30 }), (steps, count) => {
      const group: Group = new Map();
      for (const { id, topics } of steps) {
        if (!group.delete(`m${id}`)) {
          group.set(`m${id}`, newcomer(topics));
        }
        settle(group, { t: count, side: 3 });
        const held = [...group.values()].flatMap((member) => placesOf(member));
        const hasSide = [...group.values()].some((member) => member.topics.includes("side"));
        assert.equal(new Set(held).size, group.size === 0 ? 0 : count + (hasSide ? 3 : 0));
        assert.equal(held.length, new Set(held).size);
      }
    }),
    { seed: 20_250_123 },
  );
});

function newcomer(topics: readonly string[]): TestMember {
  return { topics, holds: new Map(), generationId: -1 };
}

/** Joins until nothing changes, as members do; answers how many partitions changed hands or were taken. */
function settle(group: Group, topics: Readonly<Record<string, number>>): number {
  const before = new Map([...group].map(([id, member]) => [id, new Set(placesOf(member))]));
  for (let round = 0; round <= ROUNDS_MAX; round += 1) {
    const generationId = Math.max(0, ...[...group.values()].map((member) => member.generationId)) + 1;
    let isRevoked = false;
    const given = assign(group, topics);
    for (const [id, member] of group) {
      const share = given.get(id) ?? new Map<string, readonly number[]>();
      const places = placesOf({ holds: share });
      for (const place of places) {
        const holder = [...group].find(([other, { holds }]) => other !== id && placesOf({ holds }).includes(place));
        assert.equal(holder, undefined, `${place} is given to ${id} and held by ${holder?.[0]}`);
      }
      isRevoked ||= placesOf(member).some((place) => !places.includes(place));
    }
    for (const [id, member] of group) {
      member.holds = given.get(id) ?? new Map();
      member.generationId = generationId;
    }
    if (!isRevoked) {
      break;
    }
    assert.ok(round < ROUNDS_MAX, "it does not settle");
  }
  return [...group].reduce(
    (sum, [id, member]) => sum + placesOf(member).filter((place) => !before.get(id)?.has(place)).length,
    0,
  );
}

function assign(group: Group, topics: Readonly<Record<string, number>>): Map<string, Map<string, readonly number[]>> {
  const members = new Map<string, ExtendedGroupProtocolSubscription>(
    [...group].map(([memberId, { topics: read, holds, generationId }]) => [
      memberId,
      {
        memberId,
        version: 3,
        topics: [...read],
        ownedPartitions: [...holds].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
        generationId,
      },
    ]),
  );
  const metadata: ClusterMetadata = {
    id: "test",
    brokers: new Map(),
    controllerId: 1,
    lastUpdate: 0,
    topics: new Map(
      Object.entries(topics).map(([id, partitionsCount]) => [
        id,
        { id, partitions: [], partitionsCount, lastUpdate: 0 },
      ]),
    ),
  };
  return new Map(
    assignPartitions("leader", members, new Set(["t"]), metadata).map(({ memberId, assignments }) => [
      memberId,
      new Map([...assignments].map(([topic, { partitions }]) => [topic, partitions])),
    ]),
  );
}

function placesOf({ holds }: Pick<TestMember, "holds">): readonly string[] {
  return [...holds].flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}/${partition}`));
}
