import type { FacetName, Facets } from "../../../api/types";
import { useSpeech } from "../../../i18n";
import { cityName } from "../../../lib/cities";
import { visible } from "../../../lib/escape";
import type { Many, One } from "../../../lib/filters";
import { local } from "../../../lib/format";

export function useValueName(facets: Facets | undefined): (field: Many | One, value: string) => string {
  const { t, say, word, lang } = useSpeech();
  return (field, value) => {
    if (!value) return t("facet.none");
    switch (field) {
      case "state": return word("alert.state", value);
      case "severity": case "severity_min": return word("severity", value);
      case "domain": return word("domain", value);
      case "city": return cityName(value, lang);
      case "from": case "to": return local(value);
      default: {
        const known = facets?.facets[field as FacetName]?.find((f) => String(f.value) === value);
        return visible(known ? say(known.label) : value);
      }
    }
  };
}
