import { lazy, type ReactNode, Suspense } from "react";
import { Boundary, Crashed, Skeleton } from "../../../components/States";
import type { DetailProps } from "./Panel";

const Panel = lazy(() => import("./Panel"));

export function Detail(props: DetailProps): ReactNode {
  return (
    <Boundary fallback={<aside className="detail"><Crashed /></aside>}>
      <Suspense fallback={<aside className="detail"><Skeleton lines={10} /></aside>}><Panel {...props} /></Suspense>
    </Boundary>
  );
}
