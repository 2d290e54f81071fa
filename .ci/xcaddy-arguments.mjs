#!/usr/bin/env node
// Prints the build that xcaddy.json describes (the JSON shape of xcaddy.Builder) as arguments of `xcaddy build`.
import { readFileSync } from 'node:fs'

const build = JSON.parse(readFileSync(new URL('../xcaddy.json', import.meta.url), 'utf8'))
const name = ({ module_path, version }) => (version ? `${module_path}@${version}` : module_path)
const replaced = new Map((build.replacements ?? []).map(replacement => [replacement.old, replacement.new]))

const withPlugins = build.plugins.map(plugin =>
  replaced.has(name(plugin)) ? `--with ${name(plugin)}=${replaced.get(name(plugin))}` : `--with ${name(plugin)}`,
)
console.log([build.caddy_version, ...withPlugins].join(' '))
