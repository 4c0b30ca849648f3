import type { GroupStatus } from "../../ports/queue.ts";
import type { KafkaConnection } from "./connection.ts";
import { isKafkaError } from "./errors.ts";
import { withAdmin } from "./probe-kafka.ts";

/** The members a group has now; a group that nobody has heard of is empty. */
export async function describeGroup(
  connection: KafkaConnection,
  groupId: string,
  signal?: AbortSignal,
): Promise<GroupStatus> {
  return withAdmin(
    connection,
    async (admin) => {
      try {
        const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId);
        const members = [...(group?.members.values() ?? [])].map(({ clientId, clientHost, assignments }) => ({
          clientId,
          host: clientHost.replace(/^\//, ""),
          partitions: [...(assignments?.values() ?? [])].reduce((sum, { partitions }) => sum + partitions.length, 0),
        }));
        return { state: (group?.state ?? "Empty").toLowerCase(), members };
      } catch (error) {
        if (isKafkaError(error, "GROUP_ID_NOT_FOUND")) {
          return { state: "empty", members: [] };
        }
        throw error;
      }
    },
    `looking at the group ${groupId}`,
    signal,
  );
}
