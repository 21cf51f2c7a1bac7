import { lazy, type ReactNode } from "react";
import { Route, Switch } from "wouter";
import { Overview } from "./overview/Overview";
import { Queue } from "./queue/Queue";

const Events = lazy(() => import("./events/Events"));

export default function Analyst(): ReactNode {
  return (
    <Switch>
      <Route path="/overview" component={Overview} />
      <Route path="/alerts" component={Queue} />
      <Route path="/events" component={Events} />
    </Switch>
  );
}
