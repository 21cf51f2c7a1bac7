// The only place that asks the server.

import type { Problem } from "./types";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
  }
  get status(): number {
    return this.problem.status;
  }
}

/** Status 0: the server could not be reached at all. */
export const UNREACHABLE: Problem = { title: "unreachable", status: 0 };

export type QueryValue = string | number | boolean | undefined | null | readonly (string | number)[];
export type Query = Record<string, QueryValue>;

export function url(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "" || value === false) continue; // an empty text in a list is a value
    for (const one of Array.isArray(value) ? value : [value]) params.append(key, String(one));
  }
  const text = params.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

let language = "en";
export function speak(lang: string): void {
  language = lang;
}

type Unauthorised = () => void;
let unauthorised: Unauthorised = () => {};
export function onUnauthorised(listener: Unauthorised): void {
  unauthorised = listener;
}

/** Asks whether the session still holds; if not, whoever listens is told. */
export async function checkSession(): Promise<void> {
  try {
    await ask("GET", "/session", {}, undefined);
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) unauthorised();
  }
}

export async function problemOf(response: { status: number; statusText: string; text(): Promise<string> }): Promise<Problem> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    if (body && typeof body === "object" && "title" in body) return { ...(body as Problem), status: response.status };
  } catch {
    // Not JSON: something between the server and here has answered.
  }
  return { title: response.statusText || String(response.status), status: response.status };
}

async function ask(method: string, path: string, query: Query, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { "Accept-Language": language, Accept: "application/json" };
  if (method !== "GET") headers["X-Fengsui"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url(path, query), {
      method, headers, credentials: "same-origin", signal: signal ?? null, body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== "/session") unauthorised();
  throw new ApiError(await problemOf(response));
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await (await ask("GET", path, query, undefined, signal)).json()) as T;
}

export async function send<T>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
  const response = await ask(method, path, {}, body);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
