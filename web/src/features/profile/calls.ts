/** What the profile asks the portal. */
import { answer, api } from "@/lib/api";

export type Notifications = {
  events: { event: string; text: string; channels: { mail: { wanted: boolean; fixed: boolean } } }[];
};

type Later = <Data>(path: string, init?: unknown) => Promise<{ data?: Data; error?: unknown; response: Response }>;

export const listNotifications = (): Promise<Notifications> =>
  answer((api.GET as unknown as Later)("/users/me/notifications"));

export const choose = (event: string, mail: boolean): Promise<Notifications> =>
  answer((api.PUT as unknown as Later)("/users/me/notifications", { body: { events: [{ event, channels: { mail } }] } }));
