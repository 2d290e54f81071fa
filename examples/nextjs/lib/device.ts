// The first that fits counts: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
const browsers: [string, RegExp][] = [
  ["Edge", /Edg/],
  ["Opera", /OPR/],
  ["Firefox", /Firefox|FxiOS/],
  ["Chrome", /Chrom|CriOS/],
  ["Safari", /Safari/],
];
const systems: [string, RegExp][] = [
  ["iOS", /iPhone|iPad/],
  ["Android", /Android/],
  ["Windows", /Windows/],
  ["macOS", /Macintosh/],
  ["ChromeOS", /CrOS/],
  ["Linux", /Linux/],
];

/** The browser and the system that a User-Agent header names, as far as they are known. It proves nothing: anybody may write it. */
export function describeDevice(userAgent: string): { browser?: string; system?: string } {
  const find = (names: [string, RegExp][]) => names.find(([, pattern]) => pattern.test(userAgent))?.[0];
  return { browser: find(browsers), system: find(systems) };
}
