export const standardMax = "100";
