import { openServer, type ServerOptions } from "./server.ts";

/** The child process: `main.ts '{"port":…,"dataFolder":…}'`. SIGTERM ends it in order. */
const options = JSON.parse(process.argv[2] ?? "{}") as ServerOptions;
const { server, engine } = await openServer(options);
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => {
    engine.close();
    process.exit(0);
  });
});
