/** The weather, outlined on a grid of 24 as ui/icons; not among them, because the first screen has no weather. */
export const pictures = {
  sun: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2M12 20v2M2 12h2M20 12h2M4.9 4.9l1.5 1.5M17.6 17.6l1.5 1.5M4.9 19.1l1.5-1.5M17.6 6.4l1.5-1.5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  "sun-cloud": "M9 20.5a4 4 0 0 1-.5-7.97 5.5 5.5 0 0 1 10.5 1.4 3.3 3.3 0 0 1-.6 6.57zM4.6 11.4a4.2 4.2 0 0 1 7-4.5M7.9 1.8v1.7M2.3 4.4l1.2 1.1M.9 9.7h1.6M13.6 4.4l-1.2 1.1",
  "moon-cloud": "M9 20.5a4 4 0 0 1-.5-7.97 5.5 5.5 0 0 1 10.5 1.4 3.3 3.3 0 0 1-.6 6.57zM14.4 2.5a6 6 0 0 0 7.1 7.6 6 6 0 0 1-2 2.6M11.6 7.2a6 6 0 0 1 2.8-4.7",
  cloud: "M7 18.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46z",
  fog: "M7 14.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46M4 18h14M8 21.5h11",
  rain: "M7 14.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46zM8.5 17.7l-1 3M12.5 17.7l-1 3M16.5 17.7l-1 3",
  sleet: "M7 14.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46zM8.5 17.7l-1 3M16.5 17.7l-1 3M12 18.2v.1M12 21.4v.1",
  snow: "M7 14.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46zM8 18.2v.1M12 18.2v.1M16 18.2v.1M10 21.4v.1M14 21.4v.1",
  thunder: "M7 14.5a4.5 4.5 0 0 1-.6-8.96 6 6 0 0 1 11.5 1.5 3.8 3.8 0 0 1-.4 7.46M12.8 12.5L10 17h3.4l-2.2 4.5",
} as const;

/** A picture that this page does not know is a cloud. */
export function pictureOf(icon: string): string {
  return icon in pictures ? pictures[icon as keyof typeof pictures] : pictures.cloud;
}
