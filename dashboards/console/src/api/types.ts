// What the API answers with. Names of fields are the API's own.

export interface Text { en: string; zh: string }
export interface Page<T> { items: T[]; next: string | null }
export type AlertState = "new" | "in_progress" | "resolved" | "false_positive" | "withdrawn";

export interface Session { actor: string; roles: string[]; version: string; made: boolean; as_of: string }

export interface Alert {
  id: string; org: string; org_name: Text; city: string; network: string; rule: string; title: Text; subject: string;
  related: string[]; severity: number; confidence: number; queued: boolean; category: string; category_name: Text;
  domain: string; techniques: string[]; summary: Text; first_seen: string; last_seen: string; count: number;
  state: AlertState; assignee: string; changed: number;
}

export interface Finding {
  id: string; form: string; rule: string; severity: number; confidence: number; subject: string; summary: Text;
  explanation: Json; first_seen: string; last_seen: string; count: number; window: { start: string; end: string } | null; origin: string;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Event = { [column: string]: Json };

export interface Activity {
  seq: number; at: string; object: "alert" | "warning" | "situation"; object_id: string; org: string; actor: string; act: string;
  body: { [key: string]: Json };
}

export interface Organisation {
  id: string; name: Text; city: string; sector: string; size: string; protection_level: number; critical: boolean;
  importance: string; has_data: boolean;
}

export interface AlertDetail extends Alert {
  explanation: { [key: string]: Json }; findings: Finding[]; findings_total: number; evidence: Event[]; evidence_missing: number;
  activity: Activity[]; warnings: { id: string; level: WarningLevel; state: WarningState; title: Text }[];
  filter: { [key: string]: Json } | null; organisation: Organisation | null;
}

export interface FacetValue { value: string | number; label: Text; count: number }
export type FacetName = "state" | "severity" | "org" | "city" | "rule" | "domain";
export interface Facets { total: number; facets: Record<FacetName, FacetValue[]> }

export type AlertChart =
  | { chart: "intervals"; times: string[]; bytes: number[]; total: number }
  | { chart: "targets"; targets: { ip: string; port: number; count: number; state: string; first: string }[]; total: number }
  | { chart: "hours"; hours: string[]; counts: number[] };

export interface Triage { state?: AlertState; assignee?: string; comment?: string; changed?: number }

export interface Stats {
  as_of: string;
  events: { total: number; by_kind: { kind: string; count: number }[]; last_read_at: string | null };
  alerts: {
    total: number; open: number; by_severity: { severity: number; count: number }[];
    by_hour: { hour: string; severity: number; count: number }[];
    by_city: { city: string; label: Text; count: number; worst: number }[];
    top_subjects: { subject: string; count: number; severity: number }[];
    top_rules: { rule: string; title: Text; count: number }[];
  };
  pipeline: Pipeline;
}

export interface Pipeline {
  version: string; started_at: string; data: string; disk_used: number; disk_limit: number;
  lag: { group: string; messages: number }[];
  sources: { folder: string; org: string; state: string; last_read_at: string | null; problem: Text | null }[];
  dead_letters: number;
  roles: { name: string; alive: boolean; last_step_at: string | null; problem: string | null }[];
}

export interface AnalysisFile {
  name: string; bytes: number; state: "waiting" | "reading" | "done" | "failed" | "refused"; rows: number; already: boolean;
  read_at: string | null; faults: string[]; more_faults: number;
}
export interface Analysis {
  id: string; created_at: string; files: AnalysisFile[]; state: "waiting" | "reading" | "hunting" | "done" | "failed";
  done_bytes: number; total_bytes: number; org: string; network: string; rows: number; alerts: number; below: number;
}

export type Scope = "province" | "city" | "organisation";
export type Band = "excellent" | "good" | "fair" | "poor" | "critical" | "insufficient";
export interface Coverage { reporting: number; registered: number; share: number; enough: boolean }
export interface Score {
  scope: Scope; id: string; name: Text; index: number | null; at_least: number | null; band: Band; coverage: Coverage;
  dimensions: { dimension: string; label: Text; score: number | null; weight: number }[];
  change_24h: number | null; alerts: number; worst: { id: string; name: Text; index: number } | null;
}
export type Ring = number[][];
export interface MapFeature {
  type: "Feature"; properties: { city: string };
  geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] };
}
export interface Situation {
  as_of: string; weights_version: string; province: Score; cities: Score[];
  map: { type: "FeatureCollection"; features: MapFeature[] };
  bands: { band: Band; from: number; label: Text }[];
}
export interface Member {
  scope: Scope; id: string; name: Text; index: number | null; band: Band; weight: number; points: number; floor: boolean;
}
export interface Contribution {
  alert: string; org: string; dimension: string; points: number; title: Text; subject: string; severity: number; last_seen: string;
}
export interface SituationDetail extends Score {
  trend: { at: string; index: number | null; band: Band; coverage: number }[];
  members?: Member[]; contributions?: Contribution[]; rest?: { points: number; count: number } | null; formula: Text;
}

export type WarningLevel = "red" | "orange" | "yellow" | "blue";
export type WarningState = "draft" | "issued" | "adjusted" | "lifted" | "dismissed";
export interface WarningItem {
  id: string; level: WarningLevel; level_name: Text; state: WarningState; trigger: string; title: Text; orgs: string[];
  cities: string[]; subject: string; created_at: string; issued_at: string | null; changed: number;
}
export type NoticeField = "category" | "level" | "start_time" | "scope" | "matters" | "measures" | "issuer";
export type Notice = Record<NoticeField, string>;
export interface Warning extends WarningItem {
  matrix: { importance: string; damage: string; why: Text }; notice: { en: Notice; zh: Notice }; basis: Alert[];
  proposal: { level: WarningLevel; why: Text } | null; record: Activity[]; actions: string[];
}

export interface Problem {
  type?: string; title: string; status: number; detail?: string; instance?: string; errors?: { field: string; reason: string }[];
}
