import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Language } from "./i18n";
import { initialMode, showMode } from "./theme";
import "./styles/base.css";
import "./styles/layout.css";

showMode(initialMode());
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><Language><App /></Language></StrictMode>);
