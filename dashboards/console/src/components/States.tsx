import { Button } from "antd";
import { Component, type ReactNode } from "react";
import type { ApiError } from "../api/client";
import { useSpeech } from "../i18n";
import { Icon, type IconName } from "./Icon";

export function Skeleton({ lines = 4 }: { lines?: number }): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="skeleton" role="status">
      <span className="hidden">{t("state.loading")}</span>
      {Array.from({ length: lines }, (_, i) => <i key={i} style={{ width: `${92 - ((i * 23) % 45)}%` }} />)}
    </div>
  );
}

/** A page of which nothing is there yet: it has a heading all the same. */
export function Pending({ title, error, retry }: { title?: string; error?: ApiError | undefined; retry?: () => void }): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="page">
      <h1 className="hidden">{title ?? t("state.loading")}</h1>
      {error ? <Failed error={error} {...(retry ? { retry } : {})} /> : <Skeleton lines={12} />}
    </div>
  );
}

export function Empty(p: { icon?: IconName; title: string; lead?: string; page?: boolean; children?: ReactNode }): ReactNode {
  return (
    <div className="notice">
      <Icon name={p.icon ?? "check"} size={30} />
      {p.page ? <h1>{p.title}</h1> : <h2>{p.title}</h2>}
      {p.lead && <p>{p.lead}</p>}
      {p.children}
    </div>
  );
}

export function useProblemText(): (error: ApiError) => string {
  const { t } = useSpeech();
  return (error) => (error.status === 0 ? t("state.unreachable") : (error.problem.detail || error.problem.title));
}

export function Failed({ error, retry }: { error: ApiError; retry?: () => void }): ReactNode {
  const { t } = useSpeech();
  const text = useProblemText();
  return (
    <div className="notice" role="alert">
      <Icon name="warnings" size={30} />
      <h2>{t("state.failed")}</h2>
      <p>{text(error)}</p>
      {error.problem.errors?.length ? <ul>{error.problem.errors.map((e) => <li key={e.field}><span className="mono">{e.field}</span> {e.reason}</li>)}</ul> : null}
      {retry && <Button onClick={retry}>{t("state.retry")}</Button>}
    </div>
  );
}

/** A page that fails takes nothing else with it. */
export class Boundary extends Component<{ children: ReactNode; fallback: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }
  override render(): ReactNode {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}

export function Crashed(): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="notice" role="alert">
      <Icon name="warnings" size={30} />
      <h1>{t("state.crash")}</h1>
      <p>{t("state.crash.lead")}</p>
      <Button onClick={() => location.reload()}>{t("state.reload")}</Button>
    </div>
  );
}
