/** Work that goes on while the reader moves through the portal; the frame shows it on every page. */

class Ongoing {
  count = $state(0);
  /** 0 to 1. */
  share = $state(0);

  set(count: number, done: number, total: number): void {
    this.count = count;
    this.share = total > 0 ? done / total : 0;
  }
}

export const ongoing = new Ongoing();
