import { analyst } from "./analyst";
import { common } from "./common";
import { enterprise } from "./enterprise";
import { platform } from "./platform";
import { regulator } from "./regulator";
import { why } from "./why";

export const en = { ...common, ...analyst, ...enterprise, ...platform, ...regulator, ...why };
export type Key = keyof typeof en;
