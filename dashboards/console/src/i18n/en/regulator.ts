export const regulator = {} as const;
