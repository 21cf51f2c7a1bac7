import { Modal } from "antd";
import type { ReactNode } from "react";
import { useSpeech } from "../i18n";
import { KEYS } from "../lib/keys";

export function Help({ open, close }: { open: boolean; close: () => void }): ReactNode {
  const { t } = useSpeech();
  return (
    <Modal open={open} onCancel={close} footer={null} title={t("keys.title")} width={420} destroyOnHidden closable={{ "aria-label": t("act.close") }}>
      <dl className="keys">
        {KEYS.map(({ key, command }) => (
          <div key={key} style={{ display: "contents" }}>
            <dt><kbd>{key === "Escape" ? "Esc" : key === "Enter" ? "↵" : key}</kbd></dt>
            <dd>{t(`keys.${command}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
