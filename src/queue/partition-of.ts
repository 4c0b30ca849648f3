/** The partition that Java's default partitioner chooses for a key: every producer of a topic must agree on it. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions;
}

/** Kafka's murmur2 in signed 32-bit integers, after `org.apache.kafka.common.utils.Utils`. */
export function murmur2(bytes: Buffer): number {
  const factor = 0x5bd1_e995;
  let hash = 0x9747_b28c ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let index = 0; index < whole; index += 4) {
    let word = Math.imul(bytes.readInt32LE(index), factor);
    word = Math.imul(word ^ (word >>> 24), factor);
    hash = Math.imul(hash, factor) ^ word;
  }
  for (let index = bytes.length - 1; index >= whole; index -= 1) {
    hash ^= (bytes[index] ?? 0) << (8 * (index - whole));
  }
  if (whole < bytes.length) {
    hash = Math.imul(hash, factor);
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return hash ^ (hash >>> 15);
}
