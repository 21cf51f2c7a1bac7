import type { Lang } from "../i18n";

const LOCALE: Record<Lang, string> = { en: "en-GB", zh: "zh-CN" };
const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function cached<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: () => T): T {
  const found = cache.get(key) as T | undefined;
  if (found) return found;
  const made = make();
  cache.set(key, made);
  return made;
}

export function number(value: number, lang: Lang, digits = 0): string {
  return cached(`n${lang}${digits}`, () => new Intl.NumberFormat(LOCALE[lang], { maximumFractionDigits: digits })).format(value);
}

/** With so many digits after the point, always: an index, its points. */
export function fixed(value: number, lang: Lang, digits = 1): string {
  return cached(`f${lang}${digits}`, () => new Intl.NumberFormat(LOCALE[lang], { minimumFractionDigits: digits, maximumFractionDigits: digits })).format(value);
}

/** A number of unknown size: four significant digits below a thousand, separators above. */
export function figure(value: number, lang: Lang): string {
  if (Number.isInteger(value)) return number(value, lang);
  return cached(`s${lang}`, () => new Intl.NumberFormat(LOCALE[lang], { maximumSignificantDigits: 4 })).format(value);
}

export function percent(share: number, lang: Lang): string {
  return cached(`p${lang}`, () => new Intl.NumberFormat(LOCALE[lang], { style: "percent" })).format(share);
}

export function bytes(value: number, lang: Lang): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${number(value, lang, at && value < 100 ? 1 : 0)} ${units[at]}`;
}

const pad = (n: number): string => String(n).padStart(2, "0");

/** Local time, to the minute; the year only where it is not `now`'s. */
export function local(time: string, now: string = new Date().toISOString()): string {
  const d = new Date(time);
  const day = `${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  const year = d.getFullYear() === new Date(now).getFullYear() ? "" : `${d.getFullYear()}-`;
  return `${year}${day} ${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

export function localSeconds(time: string): string {
  return `${local(time)}:${pad(new Date(time).getSeconds())}`;
}

export function utc(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** What an `<input type="datetime-local">` shows for a time, and back. */
export function toInput(time: string | undefined): string {
  if (!time) return "";
  const d = new Date(time);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

export function fromInput(value: string): string {
  const d = new Date(value);
  return value && !Number.isNaN(d.getTime()) ? d.toISOString() : "";
}

/** Seconds in the largest unit that leaves one or two digits before the point. */
export function duration(seconds: number, lang: Lang): string {
  const { size, name } = unit(seconds, lang);
  return `${number(seconds / size, lang, 1)} ${name}`;
}

/** The unit that such a time is told in, and its seconds. */
export function unit(seconds: number, lang: Lang): { size: number; name: string } {
  const [size, en, zh] = UNITS.find(([s]) => Math.abs(seconds) >= s) ?? [0.001, "ms", "毫秒"];
  return { size, name: lang === "zh" ? zh : en };
}

const UNITS: readonly (readonly [number, string, string])[] = [[86400, "d", "天"], [3600, "h", "小时"], [60, "min", "分"], [1, "s", "秒"]];
