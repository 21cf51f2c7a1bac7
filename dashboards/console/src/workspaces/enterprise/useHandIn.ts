import { useCallback, useEffect } from "react";
import { onDropped, takeDropped } from "../../layout/drop";
import { type Upload, useUploads } from "./useUploads";

/** Files that are chosen, or dropped anywhere in the window, on their way to `path`. */
export function useHandIn(path: string, org: string, arrived: () => void): { hand: (files: File[]) => void; uploads: Upload[]; cancel: (id: number) => void } {
  const { uploads, send, cancel } = useUploads(path, arrived);
  const hand = useCallback((files: File[]) => send(files, org), [send, org]);
  useEffect(() => {
    const take = (): void => {
      const files = takeDropped();
      if (files.length) hand(files);
    };
    take();
    return onDropped(take);
  }, [hand]);
  return { hand, uploads, cancel };
}
