import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The site behind the page: the sandbox, or a deployed stack's siteUrl that has http://localhost:5173 in extraOrigins.
const site = process.env.SITE ?? "http://localhost:3000";
const deployed = site.startsWith("https:"); // CloudFront answers to its own host name only

export default defineConfig({
  plugins: [react()],
  server: {
    port: 5173, // in extraOrigins of the sandbox
    strictPort: true,
    proxy: {
      "/api": { target: site, changeOrigin: deployed },
      "/ws": { target: site, changeOrigin: deployed, ws: true },
    },
  },
});
