package sessionapi_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/session-guard/caddy-session-guard/session"
	"github.com/session-guard/caddy-session-guard/sessionapi"
)

func ExampleHandler() {
	keys, err := session.NewKeyring("", []byte("qF3vZ8Rk1mW7xT5cJ9hB2nL6pD4sG0yA")) // openssl rand -base64 32
	if err != nil {
		log.Fatal(err)
	}
	manager, err := session.NewManager(session.Settings{}, keys)
	if err != nil {
		log.Fatal(err)
	}
	api, err := sessionapi.New(sessionapi.Config{Manager: manager})
	if err != nil {
		log.Fatal(err)
	}
	app := http.NotFoundHandler()
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !api.Serves(r) {
			app.ServeHTTP(w, r)
			return
		}
		if err := api.ServeHTTP(w, r); err != nil { // the client was answered already
			log.Print(err)
		}
	})

	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "https://app.example.com/api/session", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 200 {"session":null,"refreshThreshold":86400}
}
