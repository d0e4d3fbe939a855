# How usher is built and checked. `make` lists the targets.

# Tools that no go.mod pins: their dependencies must not meet usher's. opa is
# pinned by go.mod, controller-gen, kustomize and helm by tools/go.mod.
GOLANGCI_LINT_VERSION := v2.15.0

# What is built once and outlives a checkout: the linter, the control plane.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/usher

# The version that the binaries report.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Where binaries are put, and below it the folders and archives of images.
BIN ?= bin

# What `make image` names the images.
IMAGE_REGISTRY ?=
IMAGE_TAG ?= devel

# Where `make run` serves.
LISTEN ?= 127.0.0.1:9443
PROBES ?= 127.0.0.1:8081
RANK_LISTEN ?= 127.0.0.1:9444

# How many random pods the Pod Security policy is tested on.
PODS ?= 50000

# How long pods come and go on each kind of hardware in `make e2e-node`.
PODS_FOR ?= 15s

# How long pods storm a ledger in each test of `make e2e-storm`.
STORM_FOR ?= 6s

# For how long the API server goes away in `make e2e-scheduling`.
OUTAGE ?= 10s

# How many tenants `make e2e-tenants` makes, and with how many namespaces each.
TENANTS ?= 1000
TENANT_NAMESPACES ?= 10

# The commit that `make compat` records as the version before this one.
PREVIOUS ?=

# For how long everything is replaced under load in `make e2e-steady`, and the page
# to write about it; empty: none.
STEADY_FOR ?= 60s
STEADY_PAGE ?=

# For how long GPUNodes change in `make soak`, how many there are and how many of
# them change a second; for how long `make soak-webhook` asks, and the folder of the
# page and the graph to write about it; empty: none.
SOAK_FOR ?= 60s
SOAK_PAGE ?=
SOAK_NODES ?= 5000
SOAK_RATE ?= 500

# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 60s

# The binaries, one folder each under cmd/. The Dockerfile fills their images by
# the targets rootfs-NAME, and `make test` does too, so that an image never fails
# to build alone.
BINARIES := usher-webhook usher-extender usher-controller usher usher-agent

# Those that load a C library at run time, and so need a libc: NVML.
CGO_BINARIES := usher-agent

# NVIDIA marks what it will drop from NVML; go-nvml wraps all of it, usher's agent
# calls none.
export CGO_CFLAGS := -O2 -g -Wno-deprecated-declarations

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Cheap checks first, and never two that compete for the same cores.
.NOTPARALLEL:

GO_LDFLAGS := -s -w -X usher.dev/usher/internal/version.stamped=$(VERSION)
GOLANGCI_LINT = $(CACHE)/golangci-lint-$(GOLANGCI_LINT_VERSION)-$(shell go env GOVERSION)/golangci-lint
CONTROLLER_GEN := go tool -modfile=tools/go.mod controller-gen
KUSTOMIZE := go tool -modfile=tools/go.mod kustomize
HELM := go tool -modfile=tools/go.mod helm

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z0-9-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(BINARIES) ## Build every binary into bin/, static but for those that load a C library

.PHONY: $(BINARIES)
$(BINARIES):
	CGO_ENABLED=$(if $(filter $@,$(CGO_BINARIES)),1,0) go build -trimpath -buildvcs=false -ldflags '$(GO_LDFLAGS)' -o '$(abspath $(BIN))/$@' ./cmd/$@

.PHONY: rootfs
rootfs: $(addprefix rootfs-,$(BINARIES)) ## Fill BIN/rootfs/NAME with what each image holds

.PHONY: $(addprefix rootfs-,$(BINARIES))
$(addprefix rootfs-,$(BINARIES)): rootfs-%: %
	tools/rootfs '$(BIN)/$*' '$(BIN)/rootfs/$*'

.PHONY: image
image: rootfs ## Pack the images without a Docker daemon, as [IMAGE_REGISTRY/]NAME:IMAGE_TAG, into BIN/images/NAME.tar
	go -C tools run ./image -dockerfile ../Dockerfile -roots '$(abspath $(BIN))/rootfs' -o '$(abspath $(BIN))/images' -registry '$(IMAGE_REGISTRY)' -tag '$(IMAGE_TAG)'

.PHONY: run
run: build ## Start webhook and extender without a cluster and ask them about sample pods (ONCE=1: end after them)
	@go build -o bin/demo ./test/demo
	@bin/demo -listen '$(LISTEN)' -probes '$(PROBES)' -rank-listen '$(RANK_LISTEN)' $(if $(ONCE),-once)

.PHONY: cluster
cluster: ## Run a cluster of one real node with usher's images on this machine, until Ctrl-C; needs Linux and root
	@go -C test/e2e build -o ../../bin/run-cluster ./cluster
	@plane=$$(tools/control-plane '$(CACHE)'); KUBE_FEATURE_WatchListClient=false USHER_CONTROL_PLANE=$$plane bin/run-cluster

##@ Check

.PHONY: test
test: verify lint rego build image unit monitoring race e2e smoke bench-smoke ## Everything that CI runs, cheap checks first

.PHONY: unit
unit: ## Go tests of every package; PODS random pods are held against Kubernetes' own evaluator
	USHER_PODS=$(PODS) go test ./...
	USHER_TREE=$$(tools/tree-digest) go -C tools test ./...

.PHONY: monitoring
monitoring: ## Alert rules and dashboards, by Prometheus' own promtool and parser
	go -C test/monitoring test ./...

.PHONY: race
# The policies' own tests share nothing between goroutines and are ten times
# slower with the detector.
race: ## Go tests again with the race detector, where goroutines share anything
	go test -race -short ./internal/... ./webhook/... ./scheduler-extender/... ./agent/... ./tenancy/... ./quota/... ./cmd/...

.PHONY: e2e
e2e: ## Tests on a real etcd and kube-apiserver, built from their modules on first use
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -timeout 30m -p 1 $$(go list ./... | grep -Ev '/(node|scheduling|storm|install)$$')
	@$(MAKE) --no-print-directory e2e-storm e2e-scheduling e2e-node e2e-install

.PHONY: e2e-storm
e2e-storm: ## Bursts, deaths and restores around one ledger, for STORM_FOR (6s) each
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_STORM_FOR=$(STORM_FOR) USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -timeout 60m -v ./storm

.PHONY: e2e-scheduling
e2e-scheduling: ## Tests on real kube-schedulers and KWOK nodes; the API server goes away for OUTAGE (10s)
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_OUTAGE=$(OUTAGE) USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -timeout 30m -v ./scheduling

.PHONY: e2e-node
e2e-node: ## Tests on a real kubelet: pods come and go for PODS_FOR (15s) on each kind of hardware; needs root
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_PODS_FOR=$(PODS_FOR) USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -timeout 60m -v ./node

.PHONY: e2e-steady
e2e-steady: ## Everything of usher is replaced under load, again and again for STEADY_FOR (60s): no request is lost
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_STEADY_FOR=$(STEADY_FOR) USHER_STEADY_PAGE=$(abspath $(STEADY_PAGE)) \
		USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -count=1 -timeout 120m -v ./steady

.PHONY: soak-webhook
soak-webhook: ## Ask webhooks and controllers for half of what they can do for SOAK_FOR (60s): memory and goroutines stay flat
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_SOAK_FOR=$(SOAK_FOR) USHER_SOAK_PAGE=$(abspath $(SOAK_PAGE)) \
		USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -count=1 -timeout 120m -v ./soak

.PHONY: chart
chart: ## Lint and render the Helm chart, build the kustomizations, and compare the two
	$(HELM) lint --strict manifests/chart
	go test ./test/chart

.PHONY: e2e-install
e2e-install: ## helm install, upgrade and uninstall on a real node, while a tenant works; needs root
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -timeout 30m -v ./install

.PHONY: soak
soak: ## Let SOAK_RATE of SOAK_NODES GPUNodes change a second for SOAK_FOR: the extender grows not, and misses nothing
	go test -count=1 -timeout 60m -v ./test/soak -duration $(SOAK_FOR) -nodes $(SOAK_NODES) -rate $(SOAK_RATE)

.PHONY: e2e-tenants
e2e-tenants: ## The tenancy controller makes TENANTS (1000) tenants with TENANT_NAMESPACES (10) namespaces each, and then rests
	@plane=$$(tools/control-plane '$(CACHE)'); tree=$$(tools/tree-digest); \
		cd test/e2e; set -x; KUBE_FEATURE_WatchListClient=false USHER_TENANTS=$(TENANTS) USHER_TENANT_NAMESPACES=$(TENANT_NAMESPACES) \
		USHER_CONTROL_PLANE=$$plane USHER_TREE=$$tree go test -count=1 -timeout 120m -v -run Fleet ./tenancy

.PHONY: model
model: ## Explore the ledger's protocol further than `make unit` does
	USHER_MODEL=large go test -timeout 30m -v ./quota -run TheProtocolAtLength

.PHONY: control-plane
control-plane: ## Build the programs of the control plane, and print their folder
	@tools/control-plane '$(CACHE)'

.PHONY: smoke
smoke: ## What `make run` shows, once
	@$(MAKE) --no-print-directory run ONCE=1 LISTEN=127.0.0.1:0 RANK_LISTEN=127.0.0.1:0 PROBES=

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint, and a proof that the import rules bite
	tools/lint-imports $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...
	cd test/e2e && $(GOLANGCI_LINT) run ./...
	cd test/monitoring && $(GOLANGCI_LINT) run ./...

.PHONY: rego
rego: ## Format, strict check, unit tests and fixtures of the policies
	go tool opa fmt --diff --fail policies
	go tool opa check --strict policies
	go tool opa test policies
	go run ./cmd/usher test policies

.PHONY: verify
verify: verify-generated verify-modules verify-dockerfile ## Generated files, format, modules and Dockerfile are in order; go vet
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); \
		if [[ -n $$unformatted ]]; then echo "not formatted, run make fmt: $$unformatted"; exit 1; fi
	go vet ./...
	go -C test/e2e vet ./...
	go -C tools vet ./...
	go -C test/monitoring vet ./...

.PHONY: verify-generated
verify-generated:
	tools/verify-generated

.PHONY: verify-modules
verify-modules:
	go mod tidy -diff
	go -C test/e2e mod tidy -diff
	go -C test/monitoring mod tidy -diff
	go -C tools mod tidy -diff

.PHONY: verify-dockerfile
verify-dockerfile:
	tools/lint-dockerfile $(BINARIES) -- $(CGO_BINARIES)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (60s) each
	tools/fuzz $(FUZZTIME)

##@ Change

.PHONY: generate
generate: ## Write deepcopy code, CRDs, what the chart shares with kustomize, the policy catalogue, the page of metrics and the dashboards
	$(CONTROLLER_GEN) object paths=./api/... crd output:crd:dir=manifests/crd
	go run ./cmd/usher policy docs -o docs/policies.md
	go test -count=1 -p 1 ./cmd/usher-... -run TestTheMetricsPage -update >/dev/null
	go test -count=1 ./internal/dashboards -run TestTheManifest -update >/dev/null
	tools/chart-files $(KUSTOMIZE)

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format Go and Rego
	$(GOLANGCI_LINT) fmt
	cd test/e2e && $(GOLANGCI_LINT) fmt
	cd test/monitoring && $(GOLANGCI_LINT) fmt
	go tool opa fmt -w policies

.PHONY: bench-smoke
bench-smoke: ## Show that everything that is measured works, not how fast it is
	go run ./test/bench -quick >/dev/null
	@plane=$$(tools/control-plane '$(CACHE)'); cd test/e2e; set -x; \
		USHER_CONTROL_PLANE=$$plane go run ./ledgerbench -quick >/dev/null; \
		USHER_CONTROL_PLANE=$$plane go run ./sizing -quick >/dev/null

.PHONY: bench
bench: ## Measure usher against its yardsticks and write docs/benchmarks.md
	go run ./test/bench -o docs/benchmarks.md

.PHONY: bench-ledger
bench-ledger: ## Measure admissions on one tenant's ledger and write docs/ledger-benchmarks.md
	@plane=$$(tools/control-plane '$(CACHE)'); cd test/e2e; set -x; \
		USHER_CONTROL_PLANE=$$plane go run ./ledgerbench -o ../../docs/ledger-benchmarks.md

.PHONY: sizing
sizing: ## Measure what usher takes in clusters of up to 10,000 nodes, and more replicas, and write docs/sizing.md
	@plane=$$(tools/control-plane '$(CACHE)'); cd test/e2e; set -x; \
		USHER_CONTROL_PLANE=$$plane go run ./sizing -o ../../docs/sizing.md

.PHONY: compat
compat: ## Record what the version PREVIOUS (a commit; default: the one recorded last) leaves behind into testdata/compat
	@plane=$$(tools/control-plane '$(CACHE)'); cd test/e2e; set -x; \
		USHER_CONTROL_PLANE=$$plane go run ./compat -commit '$(PREVIOUS)'

.PHONY: clean
clean: ## Remove what was built here; CACHE stays
	rm -rf bin .cache coverage.out

$(GOLANGCI_LINT):
	GOFLAGS= GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
