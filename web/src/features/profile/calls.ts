/** What the profile asks the portal. */
import { answer, api, type Reply } from "@/lib/api";

export type Notifications = Reply<"/users/me/notifications">;
type Event = Notifications["events"][number]["event"];

export const listNotifications = (): Promise<Notifications> => answer(api.GET("/users/me/notifications"));

export const choose = (event: Event, mail: boolean): Promise<Notifications> =>
  answer(api.PUT("/users/me/notifications", { body: { events: [{ event, channels: { mail } }] } }));
