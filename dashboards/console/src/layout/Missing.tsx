import type { ReactNode } from "react";
import { Link } from "wouter";
import { Empty } from "../components/States";
import { useSpeech } from "../i18n";

export function Missing(): ReactNode {
  const { t } = useSpeech();
  return <Empty page icon="search" title={t("state.missing")} lead={t("state.missing.lead")}><Link href="/overview">{t("state.home")}</Link></Empty>;
}
