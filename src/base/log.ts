/** Where the house writes its log: pino's own type, named here so that rooms need not know the library. */
export type { Logger } from 'pino';
