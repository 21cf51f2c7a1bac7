import { Button, Input, Select } from "antd";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Organisation, Page } from "../../../api/types";
import { useLoad } from "../../../api/useLoad";
import { useSpeech } from "../../../i18n";
import { fromInput, toInput } from "../../../lib/format";
import { asks, type EventAsk, type Field } from "./ask";

const TEXTS = ["host", "src_ip", "dst_ip", "port", "network", "uid", "q"] as const satisfies readonly Field[];

export function Conditions({ ask, show }: { ask: EventAsk; show: (ask: EventAsk) => void }): ReactNode {
  const { t, say } = useSpeech();
  const [where, setWhere] = useState(ask.where);
  const { data } = useLoad<Page<Organisation>>("/organisations", { limit: 200 });
  const put = (field: Field, value: string): void => setWhere((old) => ({ ...old, [field]: value }));
  const go = (e: FormEvent): void => {
    e.preventDefault();
    show({ ...ask, where });
  };
  return (
    <form className="card conditions" onSubmit={go} role="search">
      {(["from", "to"] as const).map((f) => (
        <label key={f}>{t(`events.${f}`)}<Input type="datetime-local" step={1} value={toInput(where[f])} onChange={(e) => put(f, fromInput(e.target.value))} /></label>
      ))}
      <label htmlFor="events-org">{t("events.org")}
        <Select id="events-org" showSearch={{ optionFilterProp: "label" }} value={where.org ?? ""} onChange={(v: string) => put("org", v)}
          options={[{ value: "", label: t("events.org.any") }, ...(data?.items ?? []).map((o) => ({ value: o.id, label: say(o.name) }))]} />
      </label>
      {TEXTS.filter((f) => asks(ask.kind, f)).map((f) => <label key={f}>{t(`events.${f}`)}<Input className="mono" value={where[f] ?? ""} onChange={(e) => put(f, e.target.value)} /></label>)}
      <div className="row">
        <Button type="primary" htmlType="submit">{t("events.apply")}</Button>
        <Button type="text" onClick={() => show({ kind: ask.kind, where: {} })}>{t("events.reset")}</Button>
      </div>
    </form>
  );
}
