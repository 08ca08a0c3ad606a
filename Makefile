.PHONY: up build test laws lint bench clients help
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
clients: ## install the foreign clients and run their tests
	test/clients/install && cd test/clients && go test -timeout 30m ./...
help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'
