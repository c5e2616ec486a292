/** Records from the feed that could not be filed: three lists with the same two ways out. */
import { answer, api, type Reply } from "@/lib/api";

export const LISTS = ["parked", "conflicts", "refused"] as const;
export type List = (typeof LISTS)[number];
export type CasePage = Reply<"/documents/operator/parked">;
export type Case = CasePage["items"][number];

export function listCases(list: List, cursor?: string): Promise<CasePage> {
  const params = { query: { limit: 50, ...(cursor ? { cursor } : {}) } };
  if (list === "parked") return answer(api.GET("/documents/operator/parked", { params }));
  if (list === "conflicts") return answer(api.GET("/documents/operator/conflicts", { params }));
  return answer(api.GET("/documents/operator/refused", { params }));
}

export async function retryCase(list: List, id: string): Promise<void> {
  const params = { path: { record_id: id } };
  if (list === "parked") await answer(api.POST("/documents/operator/parked/{record_id}/retry", { params }));
  else if (list === "conflicts") await answer(api.POST("/documents/operator/conflicts/{record_id}/retry", { params }));
  else await answer(api.POST("/documents/operator/refused/{record_id}/retry", { params }));
}

export async function dropCase(list: List, id: string): Promise<void> {
  const params = { path: { record_id: id } };
  if (list === "parked") await answer(api.POST("/documents/operator/parked/{record_id}/drop", { params }));
  else if (list === "conflicts") await answer(api.POST("/documents/operator/conflicts/{record_id}/drop", { params }));
  else await answer(api.POST("/documents/operator/refused/{record_id}/drop", { params }));
}
