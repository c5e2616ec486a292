/** How long it will still take, in words. Pure. */
import { t } from "@/features/exchange/upload-words";

const MINUTE = 60;
const HOUR = 3600;

export function leftText(seconds: number): string {
  if (seconds < MINUTE) return t("seconds", { count: Math.max(1, Math.ceil(seconds)) });
  if (seconds < HOUR) return t("minutes", { count: Math.ceil(seconds / MINUTE) });
  const minutes = Math.ceil(seconds / MINUTE);
  return t("hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}
