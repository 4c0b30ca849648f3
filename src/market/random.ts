/**
 * Random numbers from a seed, in 32-bit integers only, so that every machine and every version of the engine draws the
 * same ones: xoshiro128** by Blackman and Vigna, its state filled by splitmix32.
 */
export interface Random {
  /** 0 to 2^32 − 1. */
  uint32(): number;
  /** A whole number from 0 to `count` − 1, each as likely; `count` is 1 to 2^32. */
  below(count: number): number;
  /** A whole number from `from` to `to`, both inclusive. */
  between(from: number, to: number): number;
  /** True in `hits` of `of` cases. */
  chance(hits: number, of: number): boolean;
  /** A whole number around 0, within ± 3 × `spread`, small ones more likely. */
  bell(spread: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

type State = [number, number, number, number];

/** An own sequence for every (seed, stream): one security's draws never shift another's. */
export function createRandom(seed: number, stream: string): Random {
  return createRandomFrom(fillState(seed, stream));
}

/** From a whole state of four 32-bit integers, not all zero; for checking against the published sequence. */
export function createRandomFrom(start: Readonly<State>): Random {
  const state: State = [...start];
  const uint32 = (): number => next(state);
  const below = (count: number): number => {
    if (!Number.isInteger(count) || count < 1 || count > RANGE) {
      throw new RangeError(`drawing below ${count}: expected a whole number from 1 to 2^32`);
    }
    // Draws above the last whole multiple would make small numbers likelier; they are drawn again.
    const bound = RANGE - (RANGE % count);
    let drawn = uint32();
    while (drawn >= bound) {
      drawn = uint32();
    }
    return drawn % count;
  };
  const between = (from: number, to: number): number => from + below(to - from + 1);
  return {
    uint32,
    below,
    between,
    chance: (hits, of) => below(of) < hits,
    bell: (spread) => between(-spread, spread) + between(-spread, spread) + between(-spread, spread),
    pick: (items) => items[below(items.length)] ?? items[0],
  };
}

const RANGE = 2 ** 32;

function next(state: State): number {
  const [s0, s1, s2, s3] = state;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const t2 = s2 ^ s0;
  const t3 = s3 ^ s1;
  state[0] = s0 ^ t3;
  state[1] = s1 ^ t2;
  state[2] = t2 ^ (s1 << 9);
  state[3] = rotateLeft(t3, 11);
  return result;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function fillState(seed: number, stream: string): State {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`seeding random numbers: expected a whole number of 0 or more, got ${seed}`);
  }
  // FNV-1a over the stream's name, begun with both halves of the seed.
  let hash = 0x811c9dc5 ^ (seed >>> 0) ^ Math.imul(Math.floor(seed / RANGE), 0x85ebca6b);
  for (let index = 0; index < stream.length; index += 1) {
    hash = Math.imul(hash ^ stream.charCodeAt(index), 0x01000193);
  }
  let counter = hash;
  const draw = (): number => {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  return [draw(), draw(), draw(), draw() | 1];
}
