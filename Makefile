# `make help` lists the targets.

.DEFAULT_GOAL := help
.PHONY: help toolchain deps build install lint test demo clean

SWIFT ?= swift
PREFIX ?= /usr/local
TOOLS := ud2m ud2m-convert ud2m-lora
# macOS has the Swift libraries itself.
STATIC := $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)
FLAGS := -c release
MINIMUM_SWIFT := 6.2

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

toolchain: ## Check that Swift is here and new enough
	@command -v $(SWIFT) >/dev/null || { \
	  echo "Swift is not on PATH. Install $(MINIMUM_SWIFT) or later from https://www.swift.org/install, then try again." >&2; \
	  exit 69; }
	@found=$$($(SWIFT) --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1); \
	oldest=$$(printf '%s\n' "$(MINIMUM_SWIFT)" "$$found" | sort -t . -k 1,1n -k 2,2n | head -n 1); \
	if [ -z "$$found" ] || [ "$$oldest" != "$(MINIMUM_SWIFT)" ]; then \
	  echo "Swift $(MINIMUM_SWIFT) or later is needed; this one is $${found:-unknown}. See https://www.swift.org/install." >&2; \
	  exit 69; \
	fi

deps: toolchain ## Install the system libraries that are missing
	@scripts/install-system-packages.sh

build: deps ## Build the tools into .build/release
	$(SWIFT) build $(FLAGS)

# Its own build folder: tests want the Swift libraries as they are.
install: deps ## Install the tools to PREFIX/bin, with the Swift libraries inside: a machine that runs them needs no Swift
	for tool in $(TOOLS); do \
	  $(SWIFT) build $(FLAGS) $(STATIC) --scratch-path .build/static --product $$tool || exit; \
	done
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -s $(TOOLS:%=.build/static/release/%) "$(DESTDIR)$(PREFIX)/bin"

lint: toolchain ## Check the formatting of every Swift file
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

test: deps lint ## Lint, build once and run every test
	$(SWIFT) build $(FLAGS) --build-tests
	$(SWIFT) test $(FLAGS) --skip-build

demo: build ## Convert the demo prior and restore the demo photographs
	@scripts/demo.sh

clean: ## Remove what the build and the demo made
	rm -rf .build demo-out
