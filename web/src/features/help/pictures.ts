/** The pictures under public/help, with the sizes they are shown in, so that nothing jumps. */
export const pictures = {
  invitation: [420, 480],
  enrolment: [420, 480],
  "recovery-codes": [420, 480],
  code: [420, 480],
  overview: [820, 480],
  files: [820, 480],
  exchange: [820, 480],
  contracts: [820, 480],
  contacts: [820, 480],
  users: [820, 480],
} as const satisfies Record<string, readonly [width: number, height: number]>;

export type PictureName = keyof typeof pictures;
