/** What screen readers are told without a change of focus. */

class Announcement {
  text = $state("");
}

export const announcement = new Announcement();

export function announce(text: string): void {
  // The same sentence twice must differ, or it is not read again.
  announcement.text = announcement.text === text ? `${text}\u00a0` : text;
}
