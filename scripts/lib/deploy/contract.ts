/** What Ginkgo's platform promises a data worker and expects of it. The deployment files are held against these numbers. */
export const CONTRACT = {
  replicas: 3,
  cpus: 1,
  memoryMiB: 512,
  cpusReserved: 0.25,
  memoryMiBReserved: 256,
  graceSeconds: 40,
  restartDelaySeconds: 5,
  containerCheck: { intervalSeconds: 30, timeoutSeconds: 10, retries: 3, startSeconds: 60 },
  liveness: {
    path: "/livez",
    initialDelaySeconds: 60,
    periodSeconds: 30,
    timeoutSeconds: 10,
    failureThreshold: 3,
  },
  readiness: {
    path: "/readyz",
    initialDelaySeconds: 30,
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 2,
  },
} as const;

/** What the heap may have of the container's memory: buffers, the window of messages and the health check need the rest. */
export const HEAP_SHARE_MAX = 0.6;
