package routes

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// The manifests of a build, in its .next folder.
const (
	buildIDFile          = "BUILD_ID"
	routesManifest       = "routes-manifest.json"
	appPathsManifest     = "app-path-routes-manifest.json"
	pagesManifest        = "server/pages-manifest.json"
	serverActionManifest = "server/server-reference-manifest.json"
	requiredServerFiles  = "required-server-files.json"
	staticFolder         = "static"
)

// Build is what a Next.js build knows about its own paths: base path, locales,
// rewrites, pages, and the pages that own each Server Action. What an app's
// own proxy.ts or middleware.ts rewrites is in no manifest.
type Build struct {
	id            string // with a leading slash, as in the path of a data route
	basePath      string
	locales       []string // of the Pages Router
	defaultLocale string
	domains       map[string]string // their default locales, by host in lower case
	assetPrefix   string            // a path that Next.js takes off pages; empty: none
	rewrites      []rewrite
	redirected    []source
	interceptions []interception
	elsewhere     []string // sources of rewrites to other hosts
	pages         []string // in the order in which Next.js tries them
	pageTree      *tree    // over pages
	endpoints     []endpoint
	handlerTree   *tree           // over the endpoints that are route handlers
	dataPages     map[string]bool // those of the Pages Router
	actions       []serverAction
	// servesPages says that Next.js certainly looks for a page under its own path.
	servesPages bool
	// files are those below /_next/static/ when the build was read.
	files map[string]bool
	fsys  fs.FS
}

// endpoint is a page or a route handler, for the coverage.
type endpoint struct {
	page    string // such as /blog/[slug]
	handler bool
}

// serverAction is one Server Action with the pages that own it.
type serverAction struct {
	id     string
	name   string // exported name, or empty
	owners []string
}

// LoadBuild reads the manifests of a .next folder, as Next.js 14.2, 15 and 16
// write them. Keys that are in them are not kept. It fails if a manifest is
// broken or the build is not complete.
func LoadBuild(fsys fs.FS) (*Build, error) {
	id, err := fs.ReadFile(fsys, buildIDFile)
	if err != nil {
		return nil, fmt.Errorf("no finished build of Next.js: %w; run next build and name its .next folder", err)
	}
	b := &Build{id: "/" + canonical(string(bytes.TrimSpace(id))), fsys: fsys}
	var app map[string]string // pages and route handlers of the App Router, by file
	appErr := b.readManifest(appPathsManifest, &app)
	if err := errors.Join(appErr, b.readRoutes(), b.readEndpoints(app), b.readActions(app), b.readFiles()); err != nil {
		return nil, err
	}
	return b, nil
}

// BuildFingerprint returns a fingerprint of the build that changes when one of its
// manifests does. It is cheap enough to be asked every few seconds.
func BuildFingerprint(fsys fs.FS) (string, error) {
	id, err := fs.ReadFile(fsys, buildIDFile)
	if err != nil {
		return "", fmt.Errorf("no finished build of Next.js: %w", err)
	}
	hash := sha256.New()
	hash.Write(id)
	for _, name := range []string{buildIDFile, routesManifest, appPathsManifest, pagesManifest, serverActionManifest, requiredServerFiles} {
		info, err := fs.Stat(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "\n%s %d %d", name, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// readManifest decodes a manifest. Only that of the routes must exist; another is left empty.
func (b *Build) readManifest(name string, into any) error {
	data, err := fs.ReadFile(b.fsys, name)
	if errors.Is(err, fs.ErrNotExist) && name != routesManifest {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the build of Next.js: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the build of Next.js: %s: %w", name, err)
	}
	return nil
}

func (b *Build) readRoutes() error {
	type page struct {
		Page string `json:"page"`
	}
	var manifest struct {
		CaseSensitive bool   `json:"caseSensitive"`
		BasePath      string `json:"basePath"`
		I18n          struct {
			Locales       []string `json:"locales"`
			DefaultLocale string   `json:"defaultLocale"`
			Domains       []struct {
				Domain        string `json:"domain"`
				DefaultLocale string `json:"defaultLocale"`
			} `json:"domains"`
		} `json:"i18n"`
		Rewrites      manifestRewrites   `json:"rewrites"`
		Redirects     []manifestRedirect `json:"redirects"`
		StaticRoutes  []page             `json:"staticRoutes"`
		DynamicRoutes []page             `json:"dynamicRoutes"`
	}
	if err := b.readManifest(routesManifest, &manifest); err != nil {
		return err
	}
	b.basePath = manifest.BasePath
	b.locales, b.defaultLocale = manifest.I18n.Locales, manifest.I18n.DefaultLocale
	b.domains = make(map[string]string)
	for _, domain := range manifest.I18n.Domains {
		b.domains[hostname(domain.Domain)] = domain.DefaultLocale
	}
	b.pageTree = newTree()
	for _, p := range slices.Concat(manifest.StaticRoutes, manifest.DynamicRoutes) {
		b.pageTree.add(len(b.pages), pagePattern(p.Page))
		b.pages = append(b.pages, p.Page)
	}
	flags := anyCase
	if manifest.CaseSensitive {
		flags = ""
	}
	b.redirected, b.interceptions = redirectSources(manifest.Redirects, flags), manifest.Rewrites.interceptions(b.basePath, b.pages)
	b.elsewhere = manifest.Rewrites.elsewhere()
	var err error
	b.rewrites, err = manifest.Rewrites.compile(manifest.CaseSensitive)
	return err
}

// readFiles reads what Next.js finds before it tries rewrites.
func (b *Build) readFiles() error {
	var required struct {
		Config struct {
			UseFileSystemPublicRoutes bool   `json:"useFileSystemPublicRoutes"`
			AssetPrefix               string `json:"assetPrefix"`
		} `json:"config"`
	}
	if err := b.readManifest(requiredServerFiles, &required); err != nil {
		return err
	}
	// With locales, whether a page is found depends on the router that it is of.
	b.servesPages = required.Config.UseFileSystemPublicRoutes && b.defaultLocale == ""
	if prefix := trimEnd(required.Config.AssetPrefix); b.defaultLocale != "" && strings.HasPrefix(prefix, "/") && prefix != b.basePath {
		b.assetPrefix = canonical(prefix) // on its way to find the locale
	}
	b.files = make(map[string]bool)
	return fs.WalkDir(b.fsys, staticFolder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !entry.IsDir() {
			b.files["/_next/"+path] = true
		}
		return err
	})
}

// hasFile reports whether Next.js has a file for a path below /_next/static/, so that no
// rewrite comes behind it.
func (b *Build) hasFile(path string) bool {
	decoded, _ := decode(path)
	return b.files[decoded]
}

// hasNewFile is hasFile for what has come since the build was read, such as a file of the
// next build.
func (b *Build) hasNewFile(path string) bool {
	decoded, _ := decode(strings.TrimPrefix(path, "/_next/"))
	info, err := fs.Stat(b.fsys, decoded)
	return err == nil && !info.IsDir()
}

// localesOf are the locales that a path may have which names none: that of the host, or
// all of them where nothing is known of it.
func (b *Build) localesOf(host string) []string {
	locale, ok := b.domains[host]
	switch {
	case host == "" && len(b.domains) > 0: // as of HTTP/1.0
		return append(slices.Sorted(maps.Values(b.domains)), b.defaultLocale)
	case ok:
		return []string{locale}
	case b.defaultLocale == "":
		return nil
	}
	return []string{b.defaultLocale}
}

// pagePattern is a page path as a pattern.
func pagePattern(page string) pattern {
	p := pattern{text: page}
	for segment := range strings.SplitSeq(trimSlashes(page), "/") {
		switch {
		case strings.HasPrefix(segment, "[[..."):
			p.tail = tailSubtree
		case strings.HasPrefix(segment, "[..."):
			p.segments, p.tail = append(p.segments, wildcard), tailSubtree
		case isParameter(segment):
			p.segments = append(p.segments, wildcard)
		case segment != "":
			p.segments = append(p.segments, canonical(segment))
		}
	}
	return p
}

func isParameter(segment string) bool {
	return strings.HasPrefix(segment, "[") && strings.HasSuffix(segment, "]")
}

// readEndpoints lists pages and route handlers of both routers.
func (b *Build) readEndpoints(app map[string]string) error {
	var pages map[string]string
	if err := b.readManifest(pagesManifest, &pages); err != nil {
		return err
	}
	found := make(map[endpoint]bool)
	b.dataPages = make(map[string]bool)
	for file, page := range app {
		if !strings.HasPrefix(page, "/_") {
			found[endpoint{page, strings.HasSuffix(file, "/route")}] = true
		}
	}
	for page := range pages {
		page = b.withoutLocale(page)
		if page != "/404" && page != "/500" && !strings.HasPrefix(page, "/_") {
			found[endpoint{page, page == "/api" || strings.HasPrefix(page, "/api/")}] = true
			b.dataPages[page] = true
		}
	}
	b.endpoints = slices.SortedFunc(maps.Keys(found), func(one, other endpoint) int {
		return strings.Compare(one.page, other.page)
	})
	b.handlerTree = newTree()
	for i, e := range b.endpoints {
		if e.handler {
			b.handlerTree.add(i, pagePattern(e.page))
		}
	}
	return nil
}

// withoutLocale is a page of the Pages Router without the locale for which it
// was rendered in advance.
func (b *Build) withoutLocale(page string) string {
	for _, locale := range b.locales {
		if rest, exact, ok := cutPrefix(page, "/"+locale); ok && exact {
			return rest
		}
	}
	return page
}

// readActions reads which pages own a Server Action, and nothing else: the
// manifest also holds the key that encrypts what actions close over.
func (b *Build) readActions(app map[string]string) error {
	type entry struct {
		Workers      map[string]json.RawMessage `json:"workers"`
		ExportedName string                     `json:"exportedName"`
	}
	var manifest struct {
		Node map[string]entry `json:"node"`
		Edge map[string]entry `json:"edge"`
	}
	if err := b.readManifest(serverActionManifest, &manifest); err != nil {
		return err
	}
	owners := make(map[string]map[string]bool)
	names := make(map[string]string)
	for _, entries := range []map[string]entry{manifest.Node, manifest.Edge} {
		for id, e := range entries {
			if owners[id] == nil {
				owners[id] = make(map[string]bool)
			}
			names[id] = e.ExportedName
			for worker := range e.Workers {
				if page, ok := app[strings.TrimPrefix(worker, "app")]; ok {
					owners[id][page] = true
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(owners)) {
		b.actions = append(b.actions, serverAction{id, names[id], slices.Sorted(maps.Keys(owners[id]))})
	}
	return nil
}
