import { useCallback, useRef, useState } from "react";
import { ApiError, problemOf, UNREACHABLE, url } from "../../api/client";
import type { Problem } from "../../api/types";
import { useProblemText } from "../../components/States";
import { useSpeech } from "../../i18n";

export interface Upload {
  id: number;
  names: string[];
  done: number;
  total: number;
  fault: string;
}

let serial = 0;

/** Sends files to `path` with their progress; `fetch` does not tell how far it is. */
export function useUploads(path: string, arrived: () => void): { uploads: Upload[]; send: (files: File[], org: string) => void; cancel: (id: number) => void } {
  const { lang } = useSpeech();
  const text = useProblemText();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const requests = useRef(new Map<number, XMLHttpRequest>());

  const cancel = useCallback((id: number) => {
    requests.current.get(id)?.abort();
    requests.current.delete(id);
    setUploads((old) => old.filter((u) => u.id !== id));
  }, []);

  const send = useCallback((files: File[], org: string) => {
    serial += 1;
    const id = serial;
    const put = (change: Partial<Upload>): void => setUploads((old) => old.map((u) => (u.id === id ? { ...u, ...change } : u)));
    const fail = (problem: Problem): void => put({ fault: text(new ApiError(problem)) });
    const form = new FormData();
    for (const file of files) form.append("files", file, file.name);
    if (org) form.append("org", org);
    const request = new XMLHttpRequest();
    requests.current.set(id, request);
    setUploads((old) => [{ id, names: files.map((f) => f.name), done: 0, total: files.reduce((n, f) => n + f.size, 0), fault: "" }, ...old]);
    request.upload.onprogress = (e) => put({ done: e.loaded, total: e.total });
    request.onerror = () => fail(UNREACHABLE);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        cancel(id);
        arrived();
        return;
      }
      void problemOf({ status: request.status, statusText: request.statusText, text: () => Promise.resolve(request.responseText) }).then(fail);
    };
    request.open("POST", url(path));
    request.setRequestHeader("X-Fengsui", "1");
    request.setRequestHeader("Accept-Language", lang);
    request.send(form);
  }, [path, arrived, cancel, lang, text]);
  return { uploads, send, cancel };
}
