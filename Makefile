# One front door: build, try, test, measure and ship `oz`. `make help` lists what it does.

# A build is for this machine unless TARGET says otherwise. The binary is static: musl, no loader, no shared library.
MACHINE   := $(shell uname -m)
TARGET    ?= $(MACHINE)-unknown-linux-musl
# TRANSPORT=minreq selects the published HTTP client in place of our own; it lives in a directory of its own.
TRANSPORT ?= own
PREFIX    ?= /usr/local
DESTDIR   ?=
CARGO     ?= cargo
# How long each fuzz target runs, in seconds.
FUZZ_TIME ?= 600

ifeq ($(TRANSPORT),own)
FEATURES  :=
BUILD_DIR := target
else ifeq ($(TRANSPORT),minreq)
FEATURES  := --features minreq
BUILD_DIR := target/minreq
else
$(error TRANSPORT is `own` or `minreq`)
endif

BINARY    := $(BUILD_DIR)/$(TARGET)/release/oz
SERVER    := target/debug/examples/local-server
VERSION   := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# TARGET in the spelling that the cc crate wants in a variable's name.
TARGET_LOWER := $(subst -,_,$(TARGET))
# ring's C files need a compiler; on the target's own architecture the machine's `cc` is one.
ifeq ($(firstword $(subst -, ,$(TARGET))),$(MACHINE))
export CC_$(TARGET_LOWER) ?= cc
endif

COMPILER  := $(or $(CC_$(TARGET_LOWER)),$(firstword $(subst -, ,$(TARGET)))-linux-gnu-gcc)

# Where the sources happen to lie says nothing about the program, so that two machines build the same bytes. The
# standard library's sources lie in the toolchain where the component rust-src is installed, and at /rustc elsewhere.
# Crates lie below a directory of their registry, or in vendor/ in a source archive; without either their paths begin with
# name and version. The registry's directory is there after `cargo fetch`, so make must not expand this before.
CARGO_DIR := $(or $(CARGO_HOME),$(HOME)/.cargo)
RUST_SRC  := $(shell rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust
RUST_HASH := $(shell rustc -vV 2>/dev/null | sed -n 's/^commit-hash: //p')
REGISTRY   = $(shell for path in '$(CARGO_DIR)'/registry/src/*; do printf ',"--remap-path-prefix=%s/="' "$$path"; done)
REMAP      = --config 'target.$(TARGET).rustflags=["--remap-path-prefix=$(CARGO_DIR)=/cargo"$(REGISTRY),"--remap-path-prefix=$(CURDIR)=/oz","--remap-path-prefix=$(CURDIR)/vendor/=","--remap-path-prefix=$(RUST_SRC)=/rustc/$(RUST_HASH)"]'
# The flags are words of a shell, because a path may hold a space.
C_REMAP   := CC_SHELL_ESCAPED_FLAGS=1 CFLAGS_$(TARGET_LOWER)='$(strip $(CFLAGS_$(TARGET_LOWER)) "-ffile-prefix-map=$(CARGO_DIR)=/cargo" "-ffile-prefix-map=$(CURDIR)=/oz")'

# What `oz --version --debug` names. A source archive has it, and the time of the commit, in a file.
COMMIT    := $(shell cut -d ' ' -f 1 .commit 2>/dev/null || git rev-parse --short=12 HEAD 2>/dev/null)
# The time of the commit: the date of the manual pages, and of all that a release has.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(or $(shell cut -d ' ' -f 2 .commit 2>/dev/null || git log -1 --format=%ct 2>/dev/null),$(shell date +%s))
endif
export SOURCE_DATE_EPOCH
ROOTS     := $(shell sed -n '/^name = "webpki-roots"/{n;s/version = "\(.*\)"/\1/p;}' Cargo.lock)
STAMP     := $(if $(COMMIT),OZ_COMMIT=$(COMMIT)) OZ_TARGET=$(TARGET) OZ_ROOTS='webpki-roots $(ROOTS)'

# A test must not depend on what this shell happens to trust, or goes through, or is logged in to. Downloads are
# done by then, so nothing here needs those variables. Nor on signals that whoever started it ignores, as nohup does.
SIGNALS   := $(shell env --default-signal=INT true 2>/dev/null && echo --default-signal=INT,QUIT,HUP,TERM,PIPE)
CLEAN     := env $(SIGNALS) $$(env | sed -n 's/^\(SSL_CERT_[A-Z]*\|WARP_[A-Z_]*\|AWS_[A-Z_]*\|[a-zA-Z]*_[pP][rR][oO][xX][yY]\)=.*/-u \1/p')

.DEFAULT_GOAL := build

.PHONY: build
build: toolchain fetch ## Build the static release binary for this machine (TARGET=…, TRANSPORT=minreq)
	$(STAMP) $(C_REMAP) $(CARGO) build --release --locked --bin oz --target $(TARGET) --target-dir $(BUILD_DIR) $(FEATURES) $(REMAP)
	@echo "$(BINARY): $$(wc -c < $(BINARY)) bytes"

.PHONY: toolchain
toolchain: ## Install the standard library for TARGET where rustup lacks it
	@command -v $(CARGO) >/dev/null || { echo 'cargo is missing: install Rust $(OLDEST) or newer, with rustup or from your distribution' >&2; exit 1; }
	@command -v $(COMPILER) >/dev/null || { echo '$(COMPILER) is missing: install a C compiler, such as the package gcc' >&2; exit 1; }
	@if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx $(TARGET); then rustup target add $(TARGET); fi

.PHONY: fetch
fetch:
	@$(CARGO) fetch --quiet --locked --target $(TARGET)

# Without cargo, as with sudo, what was built before is installed.
.PHONY: install
install: $(if $(shell command -v $(CARGO) 2>/dev/null),build) ## Install the binary, manual pages and completions under PREFIX (DESTDIR too)
	@[ -e $(BINARY) ] || { echo '$(BINARY) is missing: run make first, where cargo is' >&2; exit 1; }
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 755 $(BINARY) '$(DESTDIR)$(PREFIX)/bin/oz'
	sh tests/dist/share.sh $(BINARY) '$(DESTDIR)$(PREFIX)/share'

.PHONY: demo
demo: build ## Watch it work against a local server over TLS: no account needed
	CARGO_INCREMENTAL=0 $(CARGO) build --locked --example local-server
	$(CLEAN) sh tests/demo.sh $(BINARY) $(SERVER)

# The settings of whoever draws it, such as colours, are no part of the picture.
.PHONY: picture
picture: build ## Draw the README's picture anew from what the demo prints; read the diff
	CARGO_INCREMENTAL=0 $(CARGO) build --locked --example local-server
	env -i PATH="$$PATH" sh tests/demo.sh $(BINARY) $(SERVER) >$(BUILD_DIR)/demo.txt 2>&1
	sh tests/picture.sh <$(BUILD_DIR)/demo.txt >.github/demo.svg

# What both clients have in common, and what the build with minreq refuses. The rest tests our own client or none.
COMMON    := both_transports minreq create update delete import list scope whoami typed graphql outcome artefact
ifeq ($(TRANSPORT),own)
TESTS     :=
NAMED     :=
else
TESTS     := --test blackbox
NAMED     := -- --include-ignored $(COMMON:%=%::)
endif
# A line for each test that was skipped.
SKIPPED   := $(BUILD_DIR)/skipped-tests

.PHONY: test
test: build ## Run every test, the static binary under test (TRANSPORT=minreq: those that both clients have to pass)
	$(CARGO) test --locked --no-run $(TESTS)
	@rm -f $(SKIPPED)
	$(CLEAN) OZ_BINARY='$(CURDIR)/$(BINARY)' OZ_TRANSPORT=$(TRANSPORT) OZ_SKIPPED='$(CURDIR)/$(SKIPPED)' \
	    $(CARGO) test --locked --offline $(TESTS) $(NAMED)
	@sh tests/tools.sh report $(SKIPPED)

.PHONY: test-tools
test-tools: ## Install the programs of others that tests meet (Debian; needs root)
	@sh tests/tools.sh install

.PHONY: check
check: format lint oldest test bench-budgets ## Everything a change must pass: format, lints, oldest toolchain, tests, budgets

.PHONY: format
format: ## Check the formatting
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path tests/dist/Cargo.toml

.PHONY: lint
lint: ## Run clippy with warnings denied
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --lib --bins --features minreq -- -D warnings
	$(CARGO) clippy --locked --all-targets --manifest-path tests/dist/Cargo.toml --target-dir target/dist -- -D warnings

# The version that Cargo.toml promises.
OLDEST    := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

.PHONY: oldest
oldest: ## Check that the oldest toolchain which Cargo.toml promises compiles the program
	@case "$$(rustc --version)." in \
	'rustc $(OLDEST).'*) echo 'this is Rust $(OLDEST) itself' ;; \
	*) rustup run $(OLDEST) cargo check --locked --lib --bin oz --target-dir target/oldest ;; \
	esac

.PHONY: deny
deny: ## Check licences, sources, banned crates and advisories of the dependencies
	@sh tests/deny.sh

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZ_TIME seconds (default 600)
	@sh tests/fuzz.sh $(FUZZ_TIME)

.PHONY: golden
golden: build ## Write the golden files anew from what the program prints; read the diff
	$(CARGO) test --locked --no-run
	-$(CLEAN) OZ_BLESS=1 OZ_BINARY='$(CURDIR)/$(BINARY)' $(CARGO) test --locked --offline
	git diff --stat -- tests

.PHONY: bench
bench: build bench-tools ## Measure size, instructions, memory, time and round trips beside what else one could use
	-$(MAKE) build TRANSPORT=minreq
	$(CLEAN) target/debug/examples/bench all $(BINARY) target/minreq/$(TARGET)/release/oz

.PHONY: bench-budgets
bench-budgets: build bench-tools ## Only the figures that come out the same every time, against their ceilings
	$(CLEAN) target/debug/examples/bench budgets $(BINARY)

.PHONY: bench-tools
bench-tools: ## Build what measures
	$(CARGO) build --locked --example bench

# Who the Debian package says is responsible for it: whoever publishes a release sets this, in the environment or here.
dist: export MAINTAINER := $(or $(MAINTAINER),The publisher of this package <publisher@localhost>)
dist: export OZ_COMMIT := $(COMMIT)

.PHONY: dist
dist: ## Package a release for both architectures: archives, container image, Debian packages, SHA256SUMS
	sh tests/dist/dist.sh $(VERSION)

.PHONY: dist-source
dist-source: ## Package the sources with all crates that a build needs, for building without a network
	sh tests/dist/source.sh $(VERSION)

# The second build is in another folder and in a network namespace of its own, with an empty directory of Cargo's.
.PHONY: test-dist
test-dist: dist ## Test a release, and build it again from its source archive, without a network
	$(CLEAN) $(CARGO) test --locked --manifest-path tests/dist/Cargo.toml --target-dir target/dist
	cargo_home=$$(mktemp -d) && CARGO_HOME=$$cargo_home unshare --map-root-user --net $(MAKE) verify-release DIR=dist; \
	    status=$$?; rm -rf "$$cargo_home"; exit $$status

.PHONY: verify-release
verify-release: ## Build a release again from its source archive and compare the other files: make verify-release DIR=…
	sh tests/dist/verify.sh '$(DIR)'

.PHONY: test-valgrind
test-valgrind: ## Run the program's tests under valgrind's memcheck: takes an hour
	$(CLEAN) sh tests/valgrind.sh

.PHONY: test-aarch64
test-aarch64: build ## Run the black-box tests on the aarch64 binary under emulation, on two processors (FILTER=…)
	$(MAKE) build TARGET=aarch64-unknown-linux-musl
	$(CARGO) test --locked --no-run --test blackbox
	$(CLEAN) CARGO=$(CARGO) sh tests/aarch64.sh $(FILTER)

.PHONY: clean
clean: ## Remove what was built
	$(CARGO) clean
	rm -rf dist

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24
