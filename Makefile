.PHONY: up build test laws lint bench clients matrix fuzz help
up: build ## start Lanyard with the hello world
	bin/lanyard up --world examples/hello/world.yaml
build: ## build the programs into bin/
	go build -o bin/ ./cmd/lanyard ./examples/hello
test: ## all tests
	go test ./...
laws: ## the house rules alone
	go test ./test/laws
lint: ## vet and staticcheck
	go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
bench: ## the figures of docs/performance.md
	go test -run '^$$' -bench . ./internal/rbac ./internal/msi
	go test -run '^$$' -bench InACrowd ./internal/directory
	go test -run '^$$' -bench 'CachedToken|FreshToken' -benchtime 20x ./internal/platform
	go test -run '^$$' -bench OneCaller -benchtime 20000x ./internal/platform
	go test -run '^$$' -bench Revocation -benchtime 200x ./internal/platform
	go test -run '^$$' -bench 'Records|Deliver' ./internal/telemetry
	go test -run '^$$' -bench Find -benchtime 1000x ./internal/host/process
clients: ## install the foreign clients and run their tests
	test/clients/install && cd test/clients && go test -count=1 -timeout 30m ./...
matrix: ## print every client by source, identity and selector, after trying each
	cd test/clients && go test -count=1 -timeout 30m ./matrix
	@cd test/clients && go test -count=1 -v ./matrix -run TestTheDocument -args -markdown | grep -Ev '^(===|---|PASS|ok)'
FUZZTIME ?= 1m
fuzz: ## every fuzz target for FUZZTIME each, e.g. make fuzz FUZZTIME=1h
	@set -e; for f in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz'); do \
	for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
	echo "go test -run='^$$' -fuzz='^$$name$$' -fuzztime=$(FUZZTIME) ./$$(dirname $$f)"; \
	go test -run='^$$' -fuzz="^$$name\$$" -fuzztime=$(FUZZTIME) ./$$(dirname $$f); done; done
help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'
