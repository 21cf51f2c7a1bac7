import type { ReactNode } from "react";
import { Route, Switch } from "wouter";
import { Missing } from "../../layout/Missing";
import { Province } from "./situation/Province";
import { ScorePage } from "./situation/ScorePage";
import { WarningPage } from "./warnings/WarningPage";
import { WarningList } from "./warnings/WarningList";
import "../../styles/regulator.css";

export default function Regulator(): ReactNode {
  return (
    <Switch>
      <Route path="/situation"><Province /></Route>
      <Route path="/situation/city/:id">{({ id }) => <ScorePage key={id} scope="city" id={id} />}</Route>
      <Route path="/situation/organisation/:id">{({ id }) => <ScorePage key={id} scope="organisation" id={id} />}</Route>
      <Route path="/situation/province/:id"><Province /></Route>
      <Route path="/warnings"><WarningList /></Route>
      <Route path="/warnings/:id">{({ id }) => <WarningPage key={id} id={id} />}</Route>
      <Route component={Missing} />
    </Switch>
  );
}
