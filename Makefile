# `make run` shows the plugin at work, `make test` runs the tests. `make help` lists the rest.

.DEFAULT_GOAL := help

# Where the tools of tools/go.mod and our builds of Caddy go. Ignored by git.
BIN := $(CURDIR)/.bin

# Next.js reports its use to its makers unless told not to.
export NEXT_TELEMETRY_DISABLED := 1

# The flags that xcaddy builds Caddy with. Sharing them means that nothing is compiled twice.
export GOFLAGS += -trimpath -tags=nobadger,nomysql,nopgx

# The race detector needs a C compiler. A machine without one still runs every test; CI insists on it.
RACE := $(shell command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)

# How long each fuzz target runs.
FUZZTIME := 30s

# How many generated requests `make bypass` sends to each version of Next.js.
BYPASS_TARGETS := 100000

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build Caddy with the plugin and start the demo of Caddyfile.example
	@echo
	@echo "  Open http://localhost:8080     (Ctrl+C stops it)"
	@echo
	@$(BIN)/caddy run --config Caddyfile.example

.PHONY: build
build: ## build Caddy with the plugin into .bin/caddy
	@mkdir -p $(BIN)
	go build -ldflags '-s -w' -o $(BIN)/caddy ./cmd/caddy

.PHONY: test
test: test-go test-client test-browser ## run the tests

.PHONY: test-go
test-go: ## run the Go tests, with the Next.js apps that they drive
	@$(if $(RACE),,echo 'No C compiler here: the tests run without the race detector.')
	go test $(RACE) ./...

.PHONY: test-client
test-client: client ## build, check and test the npm package
	cd client && npm test

.PHONY: client
client: ## build the npm package
	cd client && npm ci --no-audit --no-fund && npm run build

.PHONY: test-browser
test-browser: build client ## drive the whole stack with Chromium (as root, apt installs it if it is missing)
	cd e2e/browser && npm ci --no-audit --no-fund && npm test

.PHONY: nextjs
nextjs: build client ## build the Next.js example and serve it behind Caddy
	cd examples/nextjs && npm ci --no-audit --no-fund && npm run build
	cd examples/nextjs && CADDY=$(BIN)/caddy ./start.sh

.PHONY: cluster
cluster: build ## measure how soon a sign-out holds on three nodes, on shared storage and on Redis
	CADDY=$(BIN)/caddy go test -count=1 -v ./e2e/cluster

.PHONY: protocol
protocol: build $(BIN)/h2spec ## compare HTTP/2 conformance and request smuggling with plain Caddy
	CADDY=$(BIN)/caddy H2SPEC=$(BIN)/h2spec go test -count=1 -v ./e2e/protocol

.PHONY: lint
lint: $(BIN)/tools-stamp ## gofmt, go vet, golangci-lint, and the files of deploy/
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l -s); \
	if [ -n "$$unformatted" ]; then echo "Run gofmt -s -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(BIN)/golangci-lint run --allow-parallel-runners
	$(BIN)/deploylint deploy

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s)
	.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: build ## measure what the guard costs, and write docs/performance.md
	cd bench/nextjs && npm ci --no-audit --no-fund && npm run build
	go test -run '^$$' -bench . -benchmem ./session ./routes ./caddymodule
	go run ./bench

.PHONY: bypass
bypass: ## try to get around the guard: BYPASS_TARGETS requests to three versions of Next.js, and to all variants of the app on each
	BYPASS_TARGETS=$(BYPASS_TARGETS) BYPASS_VERSIONS='16.4 15.5 14.2' BYPASS_VARIANTS='basepath trailing i18n i18nmix strict minimal' go test -count=1 -timeout 60m -v -run 'TestNoWayAround|TestNoWayAroundVariants' ./e2e

.PHONY: xcaddy
xcaddy: $(BIN)/tools-stamp ## build Caddy with real xcaddy, as xcaddy.json says, into .bin/caddy-xcaddy
	@set -e; arguments=$$(node .ci/xcaddy-arguments.mjs); set -x; \
	$(BIN)/xcaddy build $$arguments --output $(BIN)/caddy-xcaddy

# The tools, at the versions that tools/go.mod pins.
$(BIN)/tools-stamp: tools/go.mod tools/go.sum tools/deploylint/main.go
	@mkdir -p $(BIN)
	GOBIN=$(BIN) GOFLAGS=-buildvcs=false go -C tools install tool
	@touch $@

$(BIN)/h2spec: tools/h2spec/go.mod tools/h2spec/go.sum
	@mkdir -p $(BIN)
	GOBIN=$(BIN) GOFLAGS=-buildvcs=false go install -C tools/h2spec tool
	@touch $@
