/** The recipes that come with the program, the recommended one first, and how many epochs each trains unless asked otherwise. */
export const PRESET_EPOCHS = { default: 144, reference: 30 } as const;
