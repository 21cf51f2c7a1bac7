import { Button, Select } from "antd";
import { type ReactNode, useRef } from "react";
import type { Organisation } from "../../api/types";
import { Icon } from "../../components/Icon";
import { type Key, useSpeech } from "../../i18n";

interface Props {
  hand: (files: File[]) => void;
  org: string;
  setOrg: (org: string) => void;
  organisations: Organisation[];
  kinds: Key;
  promise: Key;
}

/** Where files are chosen; they can be dropped anywhere in the window. */
export function DropZone({ hand, org, setOrg, organisations, kinds, promise }: Props): ReactNode {
  const { t, say } = useSpeech();
  const input = useRef<HTMLInputElement>(null);
  return (
    <section className="card drop" aria-label={t("analyse.drop")}>
      <Icon name="analyse" size={36} />
      <h2>{t("analyse.drop")}</h2>
      <p className="muted">{t(kinds)}</p>
      <input ref={input} type="file" multiple className="hidden" tabIndex={-1} aria-label={t("analyse.choose")}
        onChange={(e) => { hand([...(e.target.files ?? [])]); e.target.value = ""; }} />
      <div className="row">
        <Button type="primary" size="large" onClick={() => input.current?.click()}>{t("analyse.choose")}</Button>
      </div>
      <label htmlFor="analyse-org" className="row muted small">{t("analyse.org")}
        <Select id="analyse-org" value={org} onChange={setOrg} style={{ width: 240 }} showSearch={{ optionFilterProp: "label" }}
          options={[{ value: "", label: t("analyse.org.none") }, ...organisations.map((o) => ({ value: o.id, label: say(o.name) }))]} />
      </label>
      <p className="muted small">{t(promise)}</p>
    </section>
  );
}
