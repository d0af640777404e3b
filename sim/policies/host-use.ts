/** What a plan can do with a host. `leaving` hosts drain or shut down and take nothing. */
export const hostUse = { leaving: 0, asleep: 1, awake: 2 } as const;
