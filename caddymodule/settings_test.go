package caddymodule_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What only provisioning can know stops the start, and says what to write.
func TestProvisioningRefuses(t *testing.T) {
	t.Setenv("WEAK_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	t.Setenv("GOOD_SECRET", "kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA")
	t.Setenv("SAME_SECRET", "kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA")
	t.Setenv("EXAMPLE_SECRET", "complex_password_at_least_32_characters_long")
	t.Setenv("SECRET_WITH_SPACES", "Zp4m9wTq1Xc7 Vb2Ln8Rk5Hs3Jd6Gf0Ay")
	for name, tc := range map[string]struct{ caddyfile, says string }{
		"a secret that resolves to nothing": {
			":1 {\n session_guard {\n secret {env.NO_SUCH_VARIABLE_HERE}\n default auth\n }\n}", "secret {env.NO_SUCH_VARIABLE_HERE} resolves to nothing; set the variable in the environment of the running Caddy, which a reload does not change, at Caddyfile:3"},
		"a secret file that is not there": {
			":1 {\n session_guard {\n secret {file./nonexistent/secret}\n default auth\n }\n}", "secret {file./nonexistent/secret} resolves to nothing; create that file, with the secret in it, at Caddyfile:3"},
		"a weak secret": {
			":1 {\n session_guard {\n default auth\n secret {env.WEAK_SECRET}\n }\n}",
			"session realm default: secret {env.WEAK_SECRET} is not safe: the secret has only 1 different bytes; make one with: caddy session keygen, at Caddyfile:4"},
		"a weak secret in the global option": {
			"{\n session {\n secret {env.WEAK_SECRET}\n }\n}\n:1 {\n session_guard {\n default auth\n }\n}", "secret {env.WEAK_SECRET} is not safe: the secret has only 1 different bytes; make one with: caddy session keygen, at Caddyfile:3"},
		"a weak secret of a named realm": {
			"{\n session shop {\n secret {env.WEAK_SECRET}\n }\n}\n:1 {\n session_api\n}", "session realm shop: secret {env.WEAK_SECRET} is not safe: the secret has only 1 different bytes; make one with: caddy session keygen, at Caddyfile:3"},
		"the second of two secrets": {
			":1 {\n session_guard {\n secret Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay {env.WEAK_SECRET}\n default auth\n }\n}", "secret 2 {env.WEAK_SECRET} is not safe"},
		"one secret under two names": {
			":1 {\n session_guard {\n secret {env.GOOD_SECRET} {env.SAME_SECRET}\n default auth\n }\n}", "secret 2 has the same value as an earlier one; write each secret once, at Caddyfile:3"},
		"an example secret": {
			":1 {\n session_guard {\n secret {env.EXAMPLE_SECRET}\n default auth\n }\n}", "example from documentation"},
		"a weak secret without a guard": {
			"{\n session {\n secret {env.WEAK_SECRET}\n }\n}\n:1 {\n session_api\n}", "caddy session keygen"},
		"an unknown realm": {
			":1 {\n session_guard {\n realm shop\n default auth\n }\n}", "session shop {"},
		"an unknown realm of the API": {
			":1 {\n session_api {\n realm shop\n }\n}", "session shop {"},
		"two values of one setting": {
			"http://a.example {\n session_guard {\n expiry 1h\n default auth\n }\n}\nhttp://b.example {\n session_guard {\n expiry 2h\n default auth\n }\n}", "has two values: at Caddyfile:2 and at Caddyfile:8"},
		"two values of one import": {
			"(guard) {\n session_guard {\n expiry {args[0]}\n default auth\n }\n}\nhttp://a.example {\n import guard 1h\n}\nhttp://b.example {\n import guard 2h\n}", "expiry of the session realm default has two values, both written at Caddyfile:2: that file is imported twice with different arguments, or two files have that name; keep one value"},
		"settings that fight across places": {
			"{\n session {\n same_site none\n }\n}\n:1 {\n session_guard {\n secure_cookie never\n default auth\n }\n}", "same_site none needs a Secure cookie"},
		"settings that fight across guards": {
			"http://a.example {\n session_guard {\n same_site none\n default auth\n }\n}\nhttp://b.example {\n session_guard {\n secure_cookie never\n default auth\n }\n}", "or write same_site lax, at Caddyfile:2"},
		"a list without a place": {
			"{\n session {\n revocation off\n }\n}\n:1 {\n session_guard {\n list on\n default auth\n }\n}", "remove revocation off, or write list off"},
		"an api_key that resolves to nothing": {
			":1 {\n session_api {\n api_key {env.NO_SUCH_VARIABLE_HERE}\n }\n}", "session_api: api_key {env.NO_SUCH_VARIABLE_HERE} resolves to nothing; set the variable in the environment of the running Caddy, which a reload does not change, at Caddyfile:3"},
		"a weak api_key": {
			":1 {\n session_api {\n path /s\n api_key {env.WEAK_SECRET}\n }\n}", "session_api: api_key {env.WEAK_SECRET} is not safe: the secret has only 1 different bytes; make one with: caddy session keygen, at Caddyfile:4"},
		"an api_key that is the secret": {
			":1 {\n session_api {\n api_key {env.GOOD_SECRET}\n }\n session_guard {\n secret {env.GOOD_SECRET}\n default auth\n }\n}", "session realm default: api_key is also the secret of the sessions, with which a back end could be anybody; make another one with: caddy session keygen, at Caddyfile:3"},
		"an api_key that no header can carry": {
			":1 {\n session_api {\n api_key {env.SECRET_WITH_SPACES}\n }\n}", "session_api: api_key holds white space or a character outside ASCII, which no Authorization header can carry; make one with: caddy session keygen, at Caddyfile:3"},
		"a URL of revocations that resolves to nothing": {
			":1 {\n session_guard {\n default auth\n revocation redis {env.NO_SUCH_VARIABLE_HERE}\n }\n}", "{env.NO_SUCH_VARIABLE_HERE} resolves to nothing; set the variable in the environment of the running Caddy, which a reload does not change, at Caddyfile:4"},
		"an unknown realm of a matcher": {
			":1 {\n respond /x ok\n @shop session {\n realm shop\n }\n respond @shop ok\n}", `the session realm "shop" is not defined; write the global option: session shop { … }, at Caddyfile:3`},
		"a build that is not there": {
			":1 {\n session_guard {\n next_build /nonexistent/.next\n default auth\n }\n}", "session_guard Caddyfile:2: next_build /nonexistent/.next cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(tc.caddyfile), map[string]any{"filename": "Caddyfile"})
			if err == nil {
				var config caddy.Config
				require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
				err = caddy.Validate(&config)
			}
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.says)
		})
	}
}

// The environment is no place in a file, so the variable is named.
func TestWeakSecretOfTheEnvironmentIsNamed(t *testing.T) {
	for value, says := range map[string]string{
		"":      "SESSION_SECRET is set in the environment, but empty; give it a value, or unset it",
		"short": "secret {env.SESSION_SECRET} is not safe: the secret has 5 bytes, fewer than 32; make one with: caddy session keygen",
	} {
		t.Setenv("SESSION_SECRET", value)
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":1 {\n session_guard {\n default auth\n }\n}"), nil)
		require.NoError(t, err)
		var config caddy.Config
		require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
		assert.ErrorContains(t, caddy.Validate(&config), says)
	}
}

// It is for the default realm, so where nothing uses that it may be somebody else's.
// Whoever knows how containers get their secrets can guess the name of the file.
func TestNameOfAFileIsNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session_secret_of_the_application")
	require.NoError(t, os.WriteFile(file, []byte("Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay"), 0o600))
	for secret, refused := range map[string]bool{
		file: true,
		"/run/secrets/session_signing_key_of_the_app": true,
		"file:/etc/caddy/session_signing_key":         true,
		"/9wTq1Xc7Vb2Ln8Rk5Hs3/Jd6Gf0AyZp4m+Kq8Wz3I=": false, // base64
	} {
		t.Setenv("FILE_SECRET", secret)
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("{\n session {\n secret {env.FILE_SECRET}\n }\n}\n:1 {\n session_guard {\n default auth\n }\n}"), map[string]any{"filename": "Caddyfile"})
		require.NoError(t, err)
		var config caddy.Config
		require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
		err = caddy.Validate(&config)
		if !refused {
			require.NoError(t, err, secret)
			continue
		}
		require.ErrorContains(t, err, "secret {env.FILE_SECRET} is not safe: it is the name of a file, which others can guess; write {file./path/of/the/file} to read the secret from there, at Caddyfile:3")
		require.NotContains(t, err.Error(), secret)
	}
}

func TestSecretOfTheEnvironmentIsOfTheDefaultRealmOnly(t *testing.T) {
	t.Setenv("SESSION_SECRET", "short")
	s := serve(t, "session_api {\n realm shop\n }\n session_guard {\n realm shop\n default hybrid\n }", "session shop {\n secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA\n}")
	cookie := s.signIn(ada)
	s.request("GET", "/", "Cookie", cookie)
	assert.Equal(t, "ada", s.last().Header.Get("X-Session-User"))

	for _, asked := range [][4]string{{"POST", "/session/revoke", "/session/revoke", `{"user":"ada"}`}, {"GET", "/session/users/", "/session/users/ada", ""}} {
		status, text := adminAt(t, asked[0], asked[1], asked[2], asked[3])
		assert.Equal(t, http.StatusNotFound, status)
		assert.Contains(t, text, "nothing uses the session realm default; name one of: shop")
	}
	status, text := admin(t, "GET", "/session", "")
	assert.Equal(t, http.StatusOK, status, text)
	assert.NotContains(t, text, "default")
}

// Guards in JSON have no lines, but rules.
func TestTwoValuesInJSONNameBothGuards(t *testing.T) {
	var config caddy.Config
	require.NoError(t, caddy.StrictUnmarshalJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[
		{"handle":[{"handler":"session_guard","default":"auth","rules":[{"type":"auth","patterns":["/a"]}],"session":{"expiry":"7d"}}]},
		{"handle":[{"handler":"session_guard","default":"auth","rules":[{"type":"auth","patterns":["/b"]}],"session":{"expiry":"8d"}}]}]}}}}}`), &config))
	assert.ErrorContains(t, caddy.Validate(&config),
		"expiry of the session realm default has two values: in session_guard (first rule: auth /a) and in session_guard (first rule: auth /b); keep one of them")
}

// What is wrong with one directive is said at once.
func TestProvisioningRefusesAllAtOnce(t *testing.T) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":1 {\n session_guard {\n default auth\n next_build /nonexistent/.next\n"+
		" secret {env.NO_SUCH_VARIABLE_HERE} {file./nonexistent/secret}\n }\n}"), map[string]any{"filename": "Caddyfile"})
	require.NoError(t, err)
	var config caddy.Config
	require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
	err = caddy.Validate(&config)
	for _, part := range []string{"secret 1 {env.NO_SUCH_VARIABLE_HERE} resolves to nothing; set the variable in the environment of the running Caddy, which a reload does not change, at Caddyfile:5",
		"secret 2 {file./nonexistent/secret} resolves to nothing; create that file, with the secret in it, at Caddyfile:5", "session_guard Caddyfile:2: next_build /nonexistent/.next"} {
		assert.ErrorContains(t, err, part)
	}
}

// `caddy validate` warns of a secret that everybody sees who sees the
// configuration, and of a key_rotation that rotates nothing: once for each,
// wherever it is used.
func TestLiteralSecretsWarn(t *testing.T) {
	text := logOfValidation(t, `session {
		secret kX9vB2mQ7rT4wZ1nY8cF5hJ3pL6sD0gA
		key_rotation 1d
	}`, `
http://a.example {
	session_guard {
		default auth
	}
}
http://b.example {
	session_guard {
		default auth
	}
}`)
	assert.Equal(t, 1, strings.Count(text, "a session secret is written in the configuration itself"), text)
	assert.Equal(t, 1, strings.Count(text, "key_rotation has no effect"), text)
}

// Of several sites, the log says which one is meant.
func TestWarningsNameTheirGuard(t *testing.T) {
	text := logOfValidation(t, "", `
http://a.example {
	session_guard {
		auth /x
	}
}
http://b.example {
	session_guard {
		auth /x
		actions /contact
	}
}`)
	for _, warning := range []string{
		"session_guard Caddyfile:8: paths that no rule matches are open to everybody",
		"session_guard Caddyfile:13: paths that no rule matches are open to everybody",
		"session_guard Caddyfile:13: actions does not name the login page",
	} {
		assert.Contains(t, text, warning)
	}
}

// logOfValidation is what Caddy logs as it validates a Caddyfile, by its options and sites.
func logOfValidation(t *testing.T, options, sites string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "log")
	adapted := adapt(t, `{
	log {
		output file `+file+`
	}
	`+options+`
}`+sites)
	var config caddy.Config
	require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
	require.NoError(t, caddy.Validate(&config))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestSettingsMayBeSpread(t *testing.T) {
	s := serve(t, "session_api\n session_guard {\n default auth\n login_path /in\n expiry 1h\n}",
		"session {\n max_lifetime 2h\n cookie_name id\n}")
	s.t = t
	assert.Equal(t, "/in?return_to=%2Fx", s.request("GET", "/x").Header.Get("Location"))
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Session-Set", handoff(ada)) })
	assert.Contains(t, cookieHeader(s.request("POST", "/in")), "id=ey")
}

// Half of a secret may be written beside a placeholder; the error names the placeholder only.
func TestNothingOfASecretIsInTheErrorAboutIt(t *testing.T) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":1 {\n session_guard {\n secret before{env.NO_SUCH_VARIABLE_HERE}behind\n default auth\n }\n}"), map[string]any{"filename": "Caddyfile"})
	require.NoError(t, err)
	var config caddy.Config
	require.NoError(t, caddy.StrictUnmarshalJSON(adapted, &config))
	err = caddy.Validate(&config)
	require.ErrorContains(t, err, "secret {env.NO_SUCH_VARIABLE_HERE} resolves to nothing")
	for _, part := range []string{"before", "behind"} {
		assert.NotContains(t, err.Error(), part)
	}
}

// JSON users get the same words as Caddyfile users.
func TestJSONConfigurationIsCheckedToo(t *testing.T) {
	for settings, says := range map[string]string{
		`{"cookie_lifetime":"forever"}`:                        "cookie_lifetime",
		`{"same_site":"none","secure_cookie":"never"}`:         "same_site none",
		`{"cookie_prefix":"host","cookie_domain":"a.example"}`: "cookie_prefix host",
		`{"expiry":"60d"}`:                                     "max_lifetime",
		`{"list":true,"revocation":{"module":"off"}}`:          "write list off",
		`{"max_lifetime":"-1h"}`:                               "above zero",
		`{"secret":["too short"]}`:                             "fewer than 32",
		`{"client_update":["id"]}`:                             `client_update "id" says who the user is`,
		`{"client_update":["name","__proto__"]}`:               `client_update "__proto__" can never be changed`,
		`{"client_update":["user.name"]}`:                      `client_update "user.name" names no field: fields are named without "user."; write name`,
		`{"client_update":["a","a"]}`:                          `client_update has "a" twice; remove one`,
		`{"client_update":["*"]}`:                              `client_update * names no field; write each field that a browser may change, such as name`,
		`{"client_update":["name,","email"]}`:                  `client_update "name," has a comma; separate fields by spaces, such as client_update name email`,
		`{"client_update":[""]}`:                               `client_update has an empty field`,
		`{"secret":[]}`:                                        `secret is an empty list; write a secret`,
		`{"key_rotation":-5000000000}`:                         "key_rotation -5s is below zero",
		`{"key_rotation":"-1m"}`:                               "key_rotation -1m0s is below zero",
		`{"key_rotation":30}`:                                  "key_rotation 30ns is shorter than 1s; write for example: key_rotation 30d (a number in JSON counts nanoseconds)",
		`{"refresh_threshold":3600}`:                           "refresh_threshold 3.6µs is shorter than a millisecond, so no session would ever be extended; write for example: refresh_threshold 1d",
		`{"cache_size":-1}`:                                    "cache_size -1 is below zero",
		`{"cache_size":-9223372036854775808}`:                  "cache_size -9223372036854775808 is below zero",
		`{"secret":["{system.hostname}{system.os}{system.arch}-0123456789abcdef"]}`: "secret has a placeholder other than {env.NAME} and {file./path/of/the/file}; write one of these",
		`{"secret":["{env.GOOD_SECRET}{system.hostname}"]}`:                         "secret has a placeholder other than {env.NAME} and {file./path/of/the/file}",
		`{"secret":["Zp4m9wTq1Xc7Vb2Ln8Rk5Hs3Jd6Gf0Ay{time.now.unix}"]}`:            "secret has a placeholder other than {env.NAME} and {file./path/of/the/file}",
	} {
		var config caddy.Config
		err := caddy.StrictUnmarshalJSON([]byte(`{"apps":{"session":{"realms":{"shop":`+settings+`}}}}`), &config)
		require.NoError(t, err)
		err = caddy.Validate(&config)
		require.Error(t, err, settings)
		assert.Contains(t, err.Error(), says)
	}
}

// JSON takes the words of a Caddyfile beside its own.
func TestJSONTakesOnAndOff(t *testing.T) {
	for value, accepted := range map[string]bool{`true`: true, `false`: true, `"on"`: true, `"off"`: true, `null`: true, `"yes"`: false, `"true"`: false, `1`: false} {
		for _, setting := range []string{"auto_refresh", "expose_tokens", "forward_cookie", "list", "log_user"} {
			var config caddy.Config
			require.NoError(t, caddy.StrictUnmarshalJSON([]byte(`{"apps":{"session":{"realms":{"shop":{"`+setting+`":`+value+`}}}}}`), &config))
			if err := caddy.Validate(&config); accepted {
				assert.NoError(t, err, "%s: %s", setting, value)
			} else {
				assert.ErrorContains(t, err, value+" is neither true nor false")
			}
		}
	}
}

func TestJSONRealmsAreCheckedToo(t *testing.T) {
	for _, name := range []string{"", "a.b", "a b"} {
		var config caddy.Config
		require.NoError(t, caddy.StrictUnmarshalJSON([]byte(`{"apps":{"session":{"realms":{"`+name+`":{}}}}}`), &config))
		assert.ErrorContains(t, caddy.Validate(&config), `session realm: "`+name+`" is not the name of a realm; write letters, digits, - and _`)
	}
}

func TestJSONGuardsAreCheckedToo(t *testing.T) {
	for guard, says := range map[string]string{
		`"handoff":["off","/x"]`:                    "session_guard: handoff off cannot be combined with patterns",
		`"handoff":[]`:                              `session_guard: handoff is an empty list; write ["off"] for nowhere, or leave it out for everywhere`,
		`"login_path":"/*"`:                         `login_path "/*" is not a plain path`,
		`"realm":"x","session":{"expiry":"1h"}`:     "session_guard: session cannot be set beside realm: a guard may only set up the default realm; write the settings under realms.x of the app session",
		`"realm":"default","session":{"list":true}`: "session_guard: session cannot be set beside realm",
		`"rules":[{"type":"auth","patterns":["/"],"require":[{"field":"user.role","values":["!=","guest"]}]}]`:                                      `require user.role cannot be compared with "!="`,
		`"rules":[{"type":"auth","patterns":["/"],"require":[{"field":"user.role","values":["a","user.b","c"]}]}]`:                                  `require user.role has the value "user.b", with which another condition seems to begin`,
		`"rules":[{"type":"auth","patterns":["/"],"require":[{"field":"user.role","values":["a","b","a"]}]}]`:                                       `require user.role has a value twice; remove one`,
		`"rules":[{"type":"auth","patterns":["/"],"require":[{"field":"user.a","values":["1"]},{"fresh":"1h"},{"field":"user.a","values":["1"]}]}]`: `require user.a 1 is written twice; remove one`,
		`"forbidden_path":"/denied","rules":[{"type":"public","patterns":["/denied"]}]`:                                                             `forbidden_path /denied is public`,
		`"forbidden_path":"/a/../b"`:              `forbidden_path "/a/../b" can never match`,
		`"unauthenticated":"maybe"`:               "write one of: auto, redirect, status",
		`"rules":[{"type":"x","patterns":["/"]}]`: `"x" is not a route type`,
		`"rules":[{"type":"auth","patterns":["/"],"require":[{"field":"user.role","values":["{env.ROLE}"]}]}]`: `rule 1 (auth /): require user.role "{env.ROLE}" has a placeholder, which is not resolved here; write the value itself`,
		`"rules":[{"type":"auth","patterns":["/a","/{env.AREA}/*"]}]`:                                          `session_guard (first rule: auth /a /{env.AREA}/*): rule 1: auth "/{env.AREA}/*" has a placeholder, which is not resolved here; write the value itself`,
		`"login_path":"/{env.LOGIN}"`:                 `login_path "/{env.LOGIN}" has a placeholder`,
		`"locales":["en","{env.LOCALE}"]`:             `locales "{env.LOCALE}" has a placeholder`,
		`"no_activity":["/{env.POLL}"]`:               `no_activity "/{env.POLL}" has a placeholder`,
		`"session":{"client_update":["{env.FIELD}"]}`: `client_update "{env.FIELD}" has a placeholder`,
		`"session":{"cookie_path":"/{env.X}"}`:        `cookie_path "/{env.X}" has a placeholder`,
		`"realm":"shop"`:                              `session_guard: the session realm "shop" is not defined`,
	} {
		var config caddy.Config
		err := caddy.StrictUnmarshalJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[
			{"handler":"session_guard","default":"auth",`+guard+`}]}]}}}}}`), &config)
		require.NoError(t, err)
		assert.ErrorContains(t, caddy.Validate(&config), says, guard)
	}
}

// A matcher that compares with a placeholder's own text would never match, and
// `not` of it always.
func TestJSONMatchersAreCheckedToo(t *testing.T) {
	for matcher, says := range map[string]string{
		`{"session":{"require":[{"field":"user.role","values":["a","{env.ROLE}"]}]}}`:     `matcher session: user.role "{env.ROLE}" has a placeholder, which is not resolved here; write the value itself`,
		`{"not":[{"session":{"require":[{"field":"user.{env.FIELD}","values":["a"]}]}}]}`: `matcher session: "user.{env.FIELD}" has a placeholder`,
		`{"session":{"realm":"shop"}}`:                                                                   `matcher session: the session realm "shop" is not defined`,
		`{"expression":"session('user.role', '{env.ROLE}')"}`:                                            `the placeholder {env.ROLE} stands between quotes, where it is not resolved; write the value itself`,
		`{"expression":"session('user.role', {env.ROLE})"}`:                                              `session() takes text in quotes only, since the client may choose what a placeholder stands for; write the value itself, or in a Caddyfile {$NAME}`,
		`{"expression":"session('user.role', {http.request.uri.query.r})"}`:                              `session() takes text in quotes only`,
		`{"expression":"path('/x') && !session('user.role', 'a' + {http.request.uri.query.r})"}`:         `session() takes text in quotes only`,
		`{"expression":"session('user.role')"}`:                                                          `matcher session: user.role needs at least one value`,
		`{"session":{"source":"Caddyfile:7","require":[{"field":"user.role","values":["{env.ROLE}"]}]}}`: `write the value itself, or in a Caddyfile {$NAME} to take it from the environment, at Caddyfile:7`,
	} {
		var config caddy.Config
		err := caddy.StrictUnmarshalJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"match":[`+matcher+`],"handle":[
			{"handler":"static_response"}]}]}}}}}`), &config)
		require.NoError(t, err)
		assert.ErrorContains(t, caddy.Validate(&config), says, matcher)
	}
}

// Guards may add to the default realm until the last is provisioned, so without one
// nothing has checked it by then.
func TestStartChecksTheDefaultRealmWithoutAGuard(t *testing.T) {
	for settings, says := range map[string]string{
		`"assurance":"aal2","max_lifetime":"off"`: "max_lifetime off is weaker than assurance aal2 allows",
		`"cookie_lifetime":"forever"`:             "session realm default: cookie_lifetime",
	} {
		err := caddy.Load([]byte(`{"admin":{"disabled":true,"config":{"persist":false}},"storage":{"module":"file_system","root":"`+t.TempDir()+`"},
			"apps":{"session":{"realms":{"default":{`+settings+`}}},"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"session_api"}]}]}}}}}`), true)
		t.Cleanup(func() { _ = caddy.Stop() })
		assert.ErrorContains(t, err, says)
	}
}

// What the parser of the Caddyfile refuses is refused in JSON too, as is what no Caddyfile can say.
func TestConfigurationsThatAreRefused(t *testing.T) {
	for guard, says := range map[string]string{
		`"home_path":"/{env.X}"`:                                               `home_path "/{env.X}" has a placeholder`,
		`"forbidden_path":"/{env.X}"`:                                          `forbidden_path "/{env.X}" has a placeholder`,
		`"return_to":"{env.X}"`:                                                `return_to "{env.X}" has a placeholder`,
		`"base_path":"/{env.X}"`:                                               `base_path "/{env.X}" has a placeholder`,
		`"actions":["/{env.X}"]`:                                               `actions "/{env.X}" has a placeholder`,
		`"handoff":["/{env.X}"]`:                                               `handoff "/{env.X}" has a placeholder`,
		`"next_build":"/{env.X}/.next"`:                                        `next_build "/{env.X}/.next" has a placeholder`,
		`"session":{"cookie_name":"{env.X}"}`:                                  `cookie_name "{env.X}" has a placeholder`,
		`"session":{"cookie_domain":"{env.X}"}`:                                `cookie_domain "{env.X}" has a placeholder`,
		`"authorize":{"module":"http","url":"http:///x"}`:                      "not an http or https URL",
		`"authorize":{"module":"http","url":"http://:80/x"}`:                   "not an http or https URL",
		`"authorize":{"module":"http","url":"http://localhost/#x"}`:            "not an http or https URL",
		`"authorize":{"module":"http","url":"http://localhost/","timeout":-1}`: "is not between 1ms and 30s",
		`"forbidden_path":"/admin/no","rules":[{"type":"auth","patterns":["/admin/*"],"require":[{"field":"user.role","values":["admin"]}]}]`: "forbidden_path /admin/no is under the",
		`"rules":[{"type":"hybrid","patterns":["/admin/*"],"require":[{"field":"user.role","values":["admin"]}]}]`:                            "require needs a session, so it belongs to an auth rule; write auth instead of hybrid",
		`"session":{"revocation":{"module":"storage","on_outage":"maybe"}}`:                                                                   `on_outage cannot be "maybe"; write one of: closed, open`,
		`"session":{"revocation":{"module":"storage","outage_grace":-1}}`:                                                                     "outage_grace must be above zero",
		`"session":{"revocation":{"module":"storage","outage_grace":60}}`:                                                                     "outage_grace 60ns is shorter than 1ms; write for example: outage_grace 1m",
		`"session":{"revocation":{"module":"redis","url":"redis://localhost","outage_grace":60}}`:                                             "outage_grace 60ns is shorter than 1ms",
		`"session":{"revocation":{"module":"storage","poll_interval":1}}`:                                                                     "poll_interval 1ns is shorter than 1ms; write for example: poll_interval 1s",
		`"session":{"validate":{"hook":{"module":"http","url":"http://localhost/"},"cache":30}}`:                                              "cache 30ns is shorter than 1ms; write for example: cache 30s",
		`"authorize":{"module":"http","url":"http://localhost/","timeout":2}`:                                                                 "the timeout 2ns is not between 1ms and 30s; write for example: 2s",
		`"rules":[{"type":"auth","patterns":["/a"],"require":[{"fresh":900}]}]`:                                                               "require fresh 900ns is shorter than 1ms; write for example: require fresh 15m",
		`"no_activity":["off","/poll"]`:                                    `no_activity: pattern "off" does not begin with a slash`,
		`"session":{"revocation":{"module":"storage","poll_interval":-1}}`: "poll_interval must be above zero",
	} {
		var config caddy.Config
		require.NoError(t, caddy.StrictUnmarshalJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[
			{"handler":"session_guard","default":"auth",`+guard+`}]}]}}}}}`), &config), guard)
		assert.ErrorContains(t, caddy.Validate(&config), says, guard)
	}
	for written, says := range map[string]string{
		"session {\n realm a\n realm b\n authenticated\n}": "realm takes one name and stands once",
		"session fresh 15m 20m":                            "fresh takes one duration",
		"session fresh 0s":                                 "is not a duration above zero",
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte("localhost\n@x "+written+"\nrespond @x ok\n"), nil)
		assert.ErrorContains(t, err, says, written)
	}
}

// Patterns that never match are refused wherever they stand; a setting may be given twice with
// one value.
func TestPatternsThatNeverMatchAreRefused(t *testing.T) {
	validate := func(guards string) error {
		var config caddy.Config
		require.NoError(t, caddy.StrictUnmarshalJSON([]byte(`{"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[`+guards+`]}}}}}`), &config), guards)
		return caddy.Validate(&config)
	}
	for guard, says := range map[string]string{
		`"handoff":["/a/../b"]`:     `"/a/../b" can never match`,
		`"no_activity":["/a/../b"]`: `"/a/../b" can never match`,
	} {
		assert.ErrorContains(t, validate(`{"handle":[{"handler":"session_guard","default":"auth",`+guard+`}]}`), says, guard)
	}
	assert.NoError(t, validate(`{"handle":[{"handler":"session_guard","default":"auth","session":{"expiry":"1h"}}]},{"handle":[{"handler":"session_guard","default":"auth","session":{"expiry":"1h"}}]}`),
		"one value in two places")
}
