import { openServer, serverOptionsSchema } from "./server.ts";

/** The child process: `main.ts '{"port":…,"dataFolder":…}'`. SIGTERM ends it in order. */
const options = serverOptionsSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
const { server, engine } = await openServer(options);
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => {
    engine.close();
    process.exit(0);
  });
});
