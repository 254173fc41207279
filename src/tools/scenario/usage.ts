/** A wrong use of the command: told without a stack. */
export class UsageError extends Error {}
