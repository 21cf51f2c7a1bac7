import { type ThemeConfig, theme } from "antd";

export type Mode = "light" | "dark";
const STORED = "fengsui.theme";

export function initialMode(): Mode {
  const stored = localStorage.getItem(STORED);
  if (stored === "light" || stored === "dark") return stored;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function showMode(mode: Mode): void {
  document.documentElement.dataset.theme = mode;
}

export function keepMode(mode: Mode): void {
  localStorage.setItem(STORED, mode);
}

// The same colours as in styles/base.css.
const COLOURS = {
  light: {
    colorPrimary: "#3d4db8", colorText: "#1a2030", colorTextSecondary: "#555e73", colorTextTertiary: "#666e82", colorTextDescription: "#555e73",
    colorTextPlaceholder: "#666e82", colorTextDisabled: "#666e82", colorBgContainer: "#ffffff", colorBgElevated: "#ffffff", colorBgLayout: "#f3f4f7",
    colorBorder: "#c3c8d4", colorBorderSecondary: "#dfe2e9", colorError: "#b3152c", colorSuccess: "#24714a", colorLink: "#3d4db8",
  },
  dark: {
    colorPrimary: "#a3aefc", colorText: "#e6e9f2", colorTextSecondary: "#a3abc0", colorTextTertiary: "#949db4", colorTextDescription: "#a3abc0",
    colorTextPlaceholder: "#949db4", colorTextDisabled: "#949db4", colorBgContainer: "#171b26", colorBgElevated: "#1e2331", colorBgLayout: "#10131b",
    colorBorder: "#414a62", colorBorderSecondary: "#2a3042", colorError: "#ff8593", colorSuccess: "#72c99a", colorLink: "#a3aefc",
    colorTextLightSolid: "#10131b",
  },
} as const;

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';

export function antdTheme(mode: Mode): ThemeConfig {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return {
    algorithm: mode === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: { ...COLOURS[mode], fontFamily: FONT, fontSize: 13, borderRadius: 7, controlHeight: 30, motion: !still, wireframe: false },
    components: { Button: { primaryShadow: "none", defaultShadow: "none", dangerShadow: "none", fontWeight: 500 } },
  };
}
