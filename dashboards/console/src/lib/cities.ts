import type { Lang } from "../i18n";

const CITIES: Record<string, readonly [en: string, zh: string]> = {
  hangzhou: ["Hangzhou", "杭州"], ningbo: ["Ningbo", "宁波"], wenzhou: ["Wenzhou", "温州"], jiaxing: ["Jiaxing", "嘉兴"], huzhou: ["Huzhou", "湖州"],
  shaoxing: ["Shaoxing", "绍兴"], jinhua: ["Jinhua", "金华"], quzhou: ["Quzhou", "衢州"], zhoushan: ["Zhoushan", "舟山"], taizhou: ["Taizhou", "台州"],
  lishui: ["Lishui", "丽水"],
};

/** A city's short name; an alert carries its key alone. */
export function cityName(key: string, lang: Lang): string {
  return CITIES[key]?.[lang === "zh" ? 1 : 0] ?? key;
}
