// Names for what the API answers with. The shapes are generated from its description (schema.d.ts); here only what that
// leaves open is said closer: free JSON, and texts that are one of a few.

import type { components } from "./schema";

type S = components["schemas"];
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export interface Page<T> { items: T[]; next: string | null }

export type Text = S["Text"];
export type Problem = S["Problem"] extends infer P ? Partial<P> & { title: string; status: number } : never;
export type Session = S["Session"];
export type Organisation = S["Organisation"];

export type AlertState = S["State"];
export type Alert = S["Alert"];
export type Finding = S["Finding"];
export type Event = { [column: string]: Json };
export type Activity = Omit<S["Activity"], "body"> & { body: { [key: string]: Json } };
export type WarningLink = S["WarningLink"] & { level: WarningLevel; state: WarningState };
export type AlertDetail = Omit<S["AlertDetail"], "explanation" | "evidence" | "activity" | "warnings"> & {
  explanation: { [key: string]: Json }; evidence: Event[]; activity: Activity[]; warnings: WarningLink[];
};
export type FacetName = "state" | "severity" | "org" | "city" | "rule" | "domain";
export type Facets = Omit<S["Facets"], "facets"> & { facets: Record<FacetName, S["Bucket"][]> };
export type AlertChart = S["Chart"];
export type Triage = S["Triage"];

export type Stats = S["StatsOut"];
export type Pipeline = S["PipelineState"];
export type Analysis = S["Analysis"];
export type AnalysisFile = S["FileState"];

export type Submission = S["Submission"];
export type SimilarList = S["SimilarList"];
export type SubmissionDetail = S["SubmissionDetail"];
export type Verdict = NonNullable<Submission["verdict"]>;
export type Appeal = S["Appeal"];

export type Scope = S["Scope"];
export type Band = S["Score"]["band"];
export type Score = S["Score"];
export type Member = Omit<S["Member"], "scope" | "band"> & { scope: Scope; band: Band };
export type Contribution = S["Contribution"];
export type ScoreDetail = Omit<S["ScoreDetail"], "trend" | "members"> & { trend: (Omit<S["TrendPoint"], "band"> & { band: Band })[]; members: Member[] };
export type Ring = number[][];
export interface MapFeature {
  type: "Feature"; properties: { city: string };
  geometry: { type: "Polygon"; coordinates: Ring[] } | { type: "MultiPolygon"; coordinates: Ring[][] };
}
export type Situation = Omit<S["SituationOut"], "map"> & { map: { type: "FeatureCollection"; features: MapFeature[] } };

export type WarningLevel = S["Level"];
export type WarningState = S["WarningState"];
export type WarningItem = S["WarningItem"];
export type Notice = S["Notice"];
export type NoticeField = keyof Notice;
export type Warning = Omit<S["WarningDetail"], "record"> & { record: Activity[] };
