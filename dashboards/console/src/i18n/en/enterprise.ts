export const enterprise = {} as const;
