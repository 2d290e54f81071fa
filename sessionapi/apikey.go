package sessionapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/session-guard/caddy-session-guard/session"
)

// apiKeys are the SHA-256 hashes of the keys that may create sessions.
type apiKeys [][sha256.Size]byte

func newAPIKeys(secrets [][]byte) (apiKeys, error) {
	var keys apiKeys
	var errs []error
	for i, secret := range secrets {
		name := "api_key"
		if len(secrets) > 1 {
			name = fmt.Sprintf("api_key %d", i+1)
		}
		if err := session.CheckSecret(secret); err != nil {
			errs = append(errs, fmt.Errorf("%s is not safe: %w", name, err))
			continue
		}
		if slices.ContainsFunc(secret, func(c byte) bool { return c <= ' ' || c >= 0x7f }) {
			errs = append(errs, fmt.Errorf("%s holds white space or a character outside ASCII, which no Authorization header can carry; "+
				"make one with: caddy session keygen", name))
		}
		keys = append(keys, sha256.Sum256(secret))
	}
	return keys, errors.Join(errs...)
}

// isBearer reports whether the request presents a bearer token (RFC 6750
// section 2.1), right or wrong. Credentials of another scheme, as browsers send
// them below basic_auth, are not for us.
func isBearer(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Authorization"), func(credentials string) bool {
		_, ok := bearerToken(credentials)
		return ok
	})
}

func bearerToken(credentials string) (string, bool) {
	scheme, token, _ := strings.Cut(credentials, " ")
	return strings.TrimLeft(token, " "), strings.EqualFold(scheme, "Bearer")
}

// check refuses browsers, and then whoever does not know a key. A browser must
// not create a session even with the key: a page that holds it has leaked it.
func (keys apiKeys) check(r *http.Request) *problem {
	for name := range r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return forbidden("A browser may not create a session. Do it from a back end, or hand the session over on the app's answer.")
		}
	}
	if len(keys) == 0 {
		return unauthorizedKey("No api_key is configured, so no session can be created here.")
	}
	presented := r.Header.Values("Authorization")
	if len(presented) != 1 {
		return unauthorizedKey("The request must have one Authorization header.")
	}
	token, _ := bearerToken(presented[0])
	hash := sha256.Sum256([]byte(token))
	match := 0
	for i := range keys { // all of them, so that the time says nothing
		match |= subtle.ConstantTimeCompare(keys[i][:], hash[:])
	}
	if match != 1 {
		return unauthorizedKey("The api_key is wrong.")
	}
	return nil
}

func unauthorizedKey(detail string) *problem {
	return &problem{status: http.StatusUnauthorized, detail: detail, challenge: "Bearer"}
}
