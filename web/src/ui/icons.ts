/** Outlines on a grid of 24, drawn by ui/Icon. Nothing on the first screen uses them, so that they may be many. */
import { ALERT } from "@/ui/alert";

export const icons = {
  home: "M3 11l9-8 9 8v9a1 1 0 0 1-1 1h-5v-6h-6v6H4a1 1 0 0 1-1-1z",
  folder: "M3 6a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z",
  building: "M4 21V5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v16M15 9h4a1 1 0 0 1 1 1v11M3 21h18M8 8h3M8 12h3M8 16h3",
  people: "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 3-6 7-6s7 2 7 6M16 3.5a4 4 0 0 1 0 7M18 15.5c2.5.6 4 2.5 4 5.5",
  inbox: "M4 4h16l1 9v6a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-6zM3 13h5l1.5 3h5l1.5-3h5",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 0 0 4 0",
  close: "M5 5l14 14M19 5L5 19",
  check: "M4 12.5l5 5L20 6.5",
  ring: "M12 19a7 7 0 1 0 0-14 7 7 0 0 0 0 14z",
  down: "M6 9l6 6 6-6",
  alert: ALERT,
  contract: "M6 3h8l5 5v13H6zM14 3v5h5M9 13h6M9 17h6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.6-6 8-6s8 2 8 6",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L21 21",
  chart: "M4 4v16h16M7 15l4-5 3 3 6-8",
  shield: "M12 3l8 3v6c0 5-3.4 8-8 9-4.6-1-8-4-8-9V6z",
  key: "M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9v4M17 12v3",
  more: "M4.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM11.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM18.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0z",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
} as const;

export type IconName = keyof typeof icons;
