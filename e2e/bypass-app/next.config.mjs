// Aliases that no rule of the guard names: only the build's manifests know them.
const config = {
  generateBuildId: () => "BUILDID",
  async rewrites() {
    return [
      { source: "/alias", destination: "/dashboard" },
      { source: "/app/:path*", destination: "/dashboard/:path*" },
    ];
  },
  async redirects() {
    return [{ source: "/old-dashboard", destination: "/dashboard", permanent: false }];
  },
};

const i18n = { locales: ["en", "ar", "pt-BR"], defaultLocale: "en" };

const variants = {
  main: {},
  strict: {},
  parameters: {},
  browser: {},
  basepath: { basePath: "/base" },
  trailing: { trailingSlash: true },
  i18n: { i18n },
  i18nmix: { i18n },
  minimal: {},
};

export default { ...config, ...variants[process.env.BYPASS_VARIANT ?? "main"] };
