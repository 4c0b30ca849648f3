import type { GroupAssignment, GroupPartitionsAssigner } from "@platformatic/kafka";

/** A member as its request to join says: what it reads, what it holds, and what it is to have. */
interface Reader {
  readonly id: string;
  readonly topics: ReadonlySet<string>;
  /** By `partitionKey`; empty when it was not there at the last join, so that its word is old. */
  readonly holds: ReadonlySet<string>;
  readonly share: Map<string, Place>;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Who reads which partition, as `cooperative-sticky` wants it: everybody keeps what they hold, unless another one has two
 * fewer; what has to move goes to nobody in this round and to its new reader in the next, when it was let go of.
 *
 * The client's own assigner moves a partition only from above the rounded average to below it: when six members have
 * four each of 24 partitions, a seventh stays idle for good. It also forgets topics that the leader does not read.
 */
export const assignPartitions: GroupPartitionsAssigner = (_leader, members, _topics, metadata) => {
  const newest = Math.max(-1, ...[...members.values()].map(({ generationId = -1 }) => generationId));
  const readers = [...members]
    .map(([id, { topics = [], ownedPartitions = [], generationId = -1 }]): Reader => {
      const held = generationId < newest ? [] : ownedPartitions;
      const holds = held.flatMap(({ topic, partitions }) => partitions.map((at) => keyOf({ topic, partition: at })));
      return { id, topics: new Set(topics), holds: new Set(holds), share: new Map() };
    })
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const topics = [...new Set(readers.flatMap((reader) => [...reader.topics]))].toSorted();
  const places = topics.flatMap((topic) =>
    Array.from({ length: metadata.topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => ({ topic, partition })),
  );
  giveAll(readers, places);
  while (moveOne(readers)) {
    // Each move makes two shares more alike, so this ends.
  }
  withholdWhatOthersHold(readers);
  return readers.map(({ id, share }) => ({ memberId: id, assignments: byTopic(share.values()) }));
};

/** To whom it is now, and what nobody has to whoever has least. */
function giveAll(readers: readonly Reader[], places: readonly Place[]): void {
  const free: Place[] = [];
  for (const place of places) {
    const [holder, ...others] = readers.filter(
      ({ holds, topics }) => holds.has(keyOf(place)) && topics.has(place.topic),
    );
    // What two say they hold is nobody's.
    if (holder === undefined || others.length > 0) {
      free.push(place);
    } else {
      holder.share.set(keyOf(place), place);
    }
  }
  for (const place of free) {
    smallestFirst(readers)
      .find(({ topics }) => topics.has(place.topic))
      ?.share.set(keyOf(place), place);
  }
}

/** Answers false when nobody has two more than another one who could take one. */
function moveOne(readers: readonly Reader[]): boolean {
  const sorted = smallestFirst(readers);
  for (const small of sorted) {
    for (const large of sorted.toReversed()) {
      if (large.share.size < small.share.size + 2) {
        break;
      }
      const place = choose(large, small);
      if (place !== undefined) {
        large.share.delete(keyOf(place));
        small.share.set(keyOf(place), place);
        return true;
      }
    }
  }
  return false;
}

/** What costs least to move: not yet held, or else of the topic of which it has most. */
function choose(from: Reader, to: Reader): Place | undefined {
  const movable = [...from.share.values()].filter(({ topic }) => to.topics.has(topic));
  const ofTopic = (topic: string): number => movable.filter((place) => place.topic === topic).length;
  return (
    movable.find((place) => !from.holds.has(keyOf(place))) ??
    movable.toSorted((left, right) => ofTopic(left.topic) - ofTopic(right.topic)).at(-1)
  );
}

function withholdWhatOthersHold(readers: readonly Reader[]): void {
  for (const reader of readers) {
    for (const key of reader.share.keys()) {
      if (readers.some((other) => other !== reader && other.holds.has(key))) {
        reader.share.delete(key);
      }
    }
  }
}

function smallestFirst(readers: readonly Reader[]): readonly Reader[] {
  return readers.toSorted((left, right) => left.share.size - right.share.size);
}

function byTopic(share: Iterable<Place>): Map<string, GroupAssignment> {
  const topics = new Map<string, GroupAssignment>();
  for (const { topic, partition } of share) {
    const { partitions } = topics.get(topic) ?? { partitions: [] };
    topics.set(topic, { topic, partitions: [...partitions, partition].toSorted((left, right) => left - right) });
  }
  return topics;
}

function keyOf({ topic, partition }: Place): string {
  return `${partition} ${topic}`;
}
