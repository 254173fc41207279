/** Free ports for tests, so that several runs can share a machine. */
export { freePort, freeRtpPorts } from '#src/tools/far-side/free-ports.ts';
