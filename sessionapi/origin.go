package sessionapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// originCheck refuses a change that a page of another site asks for (cross-site
// request forgery). It is [http.CrossOriginProtection] and two things more:
// headers that stand there twice, and this site's own name over plain HTTP.
//
// A request that has neither Sec-Fetch-Site nor Origin passes, also with a
// session cookie: browsers send one of them with every change, and back ends
// and command lines send none. SameSite keeps the cookie from the rest.
type originCheck struct {
	protection *http.CrossOriginProtection
	trusted    []string
	isSecure   func(*http.Request) bool
}

func newOriginCheck(trusted []string, isSecure func(*http.Request) bool) (originCheck, error) {
	check := originCheck{protection: http.NewCrossOriginProtection(), trusted: trusted, isSecure: isSecure}
	var errs []error
	for _, origin := range trusted {
		if err := errors.Join(CheckOrigin(origin), check.protection.AddTrustedOrigin(origin)); err != nil {
			errs = append(errs, fmt.Errorf("trusted_origins: %w", err))
		}
	}
	return check, errors.Join(errs...)
}

// CheckOrigin refuses a trusted origin that no browser sends, since it would never
// match.
func CheckOrigin(origin string) error {
	if isOrigin(origin) {
		return nil
	}
	return fmt.Errorf("%q is not an origin as browsers send it; "+
		"write scheme and host in lower case, and the port only if it is not the default, for example: https://admin.example.com", origin)
}

// isOrigin reports whether s is spelled as browsers spell an origin (RFC 6454
// section 6.2); any other spelling would never match.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || s != u.Scheme+"://"+u.Host || strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "" {
		return false
	}
	defaultPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return defaultPort != "" && u.Port() != defaultPort && !strings.HasSuffix(u.Host, ":")
}

func (c originCheck) check(r *http.Request) *problem {
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(r.Header.Values("Sec-Fetch-Site")) > 1 {
		return forbidden("The request names its origin twice.")
	}
	if err := c.protection.Check(r); err != nil {
		return forbidden("The request comes from another origin. To allow that origin, name it in trusted_origins.")
	}
	// CrossOriginProtection compares hosts only. A page on plain HTTP may come
	// from anyone on the network (CVE-2025-24358).
	if len(origins) == 1 && strings.EqualFold(origins[0], "http://"+r.Host) && c.isSecure(r) && !slices.Contains(c.trusted, origins[0]) {
		return forbidden("The request comes from this site over plain HTTP, which anyone on the network can forge.")
	}
	return nil
}

// isCrossSite reports whether a browser says that another origin makes the
// request.
func isCrossSite(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Sec-Fetch-Site"), func(site string) bool {
		return site != "same-origin" && site != "none"
	})
}

// isPrefetch reports whether the answer may never be looked at: a request of Next.js's
// router or of the browser, in advance. The guard looks at the same headers.
func isPrefetch(r *http.Request) bool {
	if len(r.Header["Next-Router-Prefetch"]) > 0 || len(r.Header["Next-Router-Segment-Prefetch"]) > 0 {
		return true
	}
	for _, purpose := range slices.Concat(r.Header["Sec-Purpose"], r.Header["Purpose"]) {
		for item := range strings.FieldsFuncSeq(purpose, func(c rune) bool { return strings.ContainsRune(",; ", c) }) {
			if strings.EqualFold(item, "prefetch") {
				return true
			}
		}
	}
	return false
}
