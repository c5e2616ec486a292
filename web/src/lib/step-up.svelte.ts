/** A fresh code for sensitive calls: the call waits until the dialog is answered. */

class StepUp {
  asking = $state(false);
  #answer: ((given: boolean) => void) | undefined;
  #waiting: Promise<boolean> | undefined;

  /** Several calls at once share one dialog. */
  ask(): Promise<boolean> {
    this.asking = true;
    this.#waiting ??= new Promise((resolve) => (this.#answer = resolve));
    return this.#waiting;
  }

  settle(given: boolean): void {
    this.asking = false;
    this.#waiting = undefined;
    this.#answer?.(given);
  }
}

export const stepUp = new StepUp();
