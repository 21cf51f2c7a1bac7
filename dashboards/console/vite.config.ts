import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// CONSOLE_OUT: where to build, so that a running server is not left without files meanwhile (dashboards/build.py).
// CONSOLE_API: a running server to develop against (`npm run dev`); the built console asks where it came from.
const api = process.env.CONSOLE_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": { target: api } } },
  build: { outDir: process.env.CONSOLE_OUT ?? "dist", emptyOutDir: true, target: "es2022", manifest: true, cssCodeSplit: true, chunkSizeWarningLimit: 1200 },
});
