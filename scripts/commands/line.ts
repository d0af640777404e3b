/** One line of what a command tells people: what, and how much. */
export const line = (label: string, value: string): string => `  ${label.padEnd(22)}${value}\n`;
