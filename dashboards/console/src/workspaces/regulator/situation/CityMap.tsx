import { type ReactNode, useMemo } from "react";
import { useLocation } from "wouter";
import type { Situation } from "../../../api/types";
import { useSpeech } from "../../../i18n";
import { cityName } from "../../../lib/cities";
import { fixed } from "../../../lib/format";
import { draw } from "../../../lib/map";

/** The cities by band. Too little data has its own look: hatched, never green. */
export function CityMap({ situation }: { situation: Situation }): ReactNode {
  const { t, word, lang } = useSpeech();
  const [, go] = useLocation();
  const drawn = useMemo(() => draw(situation.map.features, 560), [situation.map]);
  return (
    <svg className="city-map" viewBox={`0 0 ${drawn.width} ${drawn.height}`} role="group" aria-label={t("situation.map")}>
      <defs>
        <pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="7" height="7" className="hatch-ground" /><rect width="2" height="7" className="hatch-line" />
        </pattern>
      </defs>
      {drawn.shapes.map((s) => {
        const score = situation.cities.find((c) => c.id === s.city);
        const band = score?.band ?? "insufficient";
        const index = score?.index ?? null;
        const value = index === null ? t("band.insufficient") : fixed(index, lang);
        const to = `/situation/city/${s.city}`;
        return (
          <a key={s.city} href={to} className={`city band-${band}`} aria-label={`${cityName(s.city, lang)} ${value}${index === null ? "" : ` ${word("band", band)}`}`}
            onClick={(e) => { if (e.ctrlKey || e.metaKey) return; e.preventDefault(); go(to); }}>
            <path d={s.path} />
            <text x={s.x} y={s.y - 4} className="city-name">{cityName(s.city, lang)}</text>{" "}
            <text x={s.x} y={s.y + 16} className={index === null ? "city-none" : "city-index"}>{value}</text>
          </a>
        );
      })}
    </svg>
  );
}

export function Legend({ bands }: { bands: Situation["bands"] }): ReactNode {
  const { t, say } = useSpeech();
  const shown = bands.filter((b) => b.band !== "insufficient");
  return (
    <ul className="legend" aria-label={t("situation.bands")}>
      {shown.map((b, i) => <li key={b.band}><i className={`swatch swatch-${b.band}`} />{say(b.label)} <span className="muted num">{b.from}–{shown[i + 1]?.from ?? 100}</span></li>)}
      <li><i className="swatch swatch-insufficient" />{t("band.insufficient")}</li>
    </ul>
  );
}
