import type { Key } from "../en";
import { analyst } from "./analyst";
import { common } from "./common";
import { enterprise } from "./enterprise";
import { platform } from "./platform";
import { regulator } from "./regulator";
import { software } from "./software";
import { why } from "./why";

export const zh: Record<Key, string> = { ...common, ...analyst, ...enterprise, ...platform, ...regulator, ...software, ...why };
