import { lazy, type ReactNode, Suspense } from "react";
import { Skeleton } from "../../../components/States";
import type { DetailProps } from "./Panel";

const Panel = lazy(() => import("./Panel"));

export function Detail(props: DetailProps): ReactNode {
  return <Suspense fallback={<aside className="detail"><Skeleton lines={10} /></aside>}><Panel {...props} /></Suspense>;
}
