# The front door. The rules are in meson.build; the scripts behind these targets are in tools/.
#
#   make run      install what is missing, build, start in development mode with the data in ./var
#   make test     install what is missing, build every variant, run everything
#   make test-long, make soak   the same subjects in numbers, and in great numbers
#   make build    the release program at build/absender

.DEFAULT_GOAL := help
.PHONY: help run build test test-long soak lint format fuzz bench install clean

SECONDS_EACH ?= 60
SOAK_HOURS ?= 2

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 18

run: build ## build and start Absender in development mode on http://localhost:8465
	@exec build/absender serve --dev --data var --listen localhost:8465

build: ## the release program at build/absender
	@tools/install-packages build
	@tools/build release

test: ## install what is missing and run everything
	@tools/install-packages build test
	@tools/run-tests

test-long: ## 10,000 mails to each real server, the hostile servers in full, longer fuzzing, crashing and simulating
	@tools/install-packages build test
	@tools/run-tests --long

soak: ## the long tests in great numbers with other seeds: a round of about 2.5 hours, and no further one after SOAK_HOURS hours (2)
	@tools/install-packages build test
	@tools/run-tests --soak $(SOAK_HOURS)

lint: ## the checks that read the source: layers, forbidden calls, format
	@tools/lint

format: ## put every C file into its form
	@clang-format-14 -i $$(git ls-files '*.c' '*.h')

fuzz: ## every fuzz target for SECONDS_EACH seconds (60)
	@tools/install-packages build test
	@tools/build fuzz
	@tools/fuzz $(SECONDS_EACH)

bench: ## the figures of bench/README.md
	@tools/install-packages build test
	@tools/build release
	@bench/run

install: build ## install the program (DESTDIR and PREFIX as usual)
	@install -D -m 755 build/absender "$(DESTDIR)$(or $(PREFIX),/usr/local)/bin/absender"

clean: ## remove what was built; ./var stays
	@rm -rf build node_modules ui/vendor test/real/oidc/node_modules
