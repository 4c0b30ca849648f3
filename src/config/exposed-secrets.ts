/** A secret and the file it was read from. */
export interface SecretFile {
  /** Of the setting, such as `redis.password`. */
  readonly name: string;
  readonly path: string;
}

/** Where platforms put secrets into a container, which nobody but the container's own user enters. */
const MOUNTED = /^\/(?:var\/)?run\/secrets\//;

/** One sentence for each file that other users of this machine can read as well. */
export function warnAboutExposed(
  files: readonly SecretFile[],
  isOpenToAll: (path: string) => boolean,
): readonly string[] {
  const named = new Map<string, string[]>();
  for (const { name, path } of files) {
    named.set(path, [...(named.get(path) ?? []), name]);
  }
  return [...named]
    .filter(([path]) => !MOUNTED.test(path) && isOpenToAll(path))
    .map(
      ([path, names]) =>
        `${path} holds ${names.join(", ")} and everybody on this machine may read it: take that right away, chmod 600 does`,
    );
}
