import { analyst } from "./analyst";
import { common } from "./common";
import { enterprise } from "./enterprise";
import { platform } from "./platform";
import { regulator } from "./regulator";
import { software } from "./software";
import { why } from "./why";

export const en = { ...common, ...analyst, ...enterprise, ...platform, ...regulator, ...software, ...why };
export type Key = keyof typeof en;
