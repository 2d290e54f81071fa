import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone", // server.js and what it needs, without a package manager around it
  outputFileTracingRoot: import.meta.dirname,
};

export default config;
