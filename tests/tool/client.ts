// What somebody who generates types from the example's document may write, and what their compiler has to refuse.
import type { components, paths } from "./music-store-admin";
import type { paths as open } from "./music-store-anyone";

type List = paths["/v1/tracks"]["get"];
type Page = List["responses"][200]["content"]["application/json"];
type Create = components["schemas"]["TrackCreate"];
type Refused = List["responses"][422]["content"]["application/problem+json"];

const condition: components["schemas"]["TrackWhere"] = {
  album: { published: { eq: true } },
  or: [{ name: { startsWith: "A" } }, { genre: { isNull: true } }],
};
export const query: NonNullable<List["parameters"]["query"]> = {
  limit: 10,
  sort: ["-plays", "name"],
  expand: ["album.artist"],
  "seconds[gte]": 60,
  where: JSON.stringify(condition),
};
export const next = (page: Page): string | null => (page.hasMore ? page.next : null);
export const names = (page: Page): (string | undefined)[] => page.data.map((track) => track.name);
export const create: Create = { name: "Low Tide", position: 1, seconds: 180, album: "ambient" };
export const many: components["schemas"]["AlbumCreate"] = {
  title: "Tidelines",
  artist: { create: { name: "Ada Marsh" } },
  tracks: { create: [{ name: "Low Tide", position: 1, seconds: 180 }] },
};
export const why = (problem: Refused): string[] => (problem.errors ?? []).map((part) => `${part.pointer}: ${part.detail}`);

// @ts-expect-error No field is called so.
export const sort: List["parameters"]["query"] = { sort: ["speed"] };
// @ts-expect-error A number, and not the word for one.
export const limit: List["parameters"]["query"] = { limit: "10" };
// @ts-expect-error A track has a name.
export const nameless: Create = { position: 1, seconds: 180, album: "x" };
// @ts-expect-error Nobody chooses when a row was made.
export const early: Create = { ...create, createdAt: "2026-01-01T00:00:00Z" };
// @ts-expect-error The public can't create tracks.
export type Closed = open["/v1/tracks"]["post"]["responses"];
