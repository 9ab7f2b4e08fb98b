# sp: softphone extensions from the command line. Targets: all check unit fuzz
# bench demo lint fmt install dist deb check-deb clean. Variables: CC, OPT,
# SAN=address,undefined, FUZZ, FUZZ_SECONDS, PREFIX, DESTDIR.
CC      ?= cc
PREFIX  ?= /usr/local
VERSION := 0.1.0

TOOLS   := sp-assign sp-recycle sp-forward sp-register sp-status
SAN     ?=
# A sanitized build stands beside the plain one: tests run both.
BUILD   := build$(if $(SAN),-san)
BIN     := $(if $(SAN),build-san/bin,bin)

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wconversion -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Werror
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
OPT     ?= -O2 -g
CFLAGS  += -std=c11 -D_GNU_SOURCE -I. $(OPT) $(WARN) $(HARDEN) -MMD -MP \
           -DSP_VERSION='"$(VERSION)"' \
           $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed \
           $(if $(SAN),-fsanitize=$(SAN))

LIB_LIBS := -lsqlite3 -lyaml -lnettle
CLI_LIBS := -lcsv -ljansson
TUI_LIBS := -lncursesw
SIP_LIBS := -losipparser2 -levent_openssl -levent_core -levent_extra -lssl -lcrypto -lsystemd -lcares -lresolv

# One of each package that the compiler is to find.
HEADERS := stdio.h sqlite3.h yaml.h nettle/sha2.h csv.h jansson.h ares.h \
           osipparser2/osip_parser.h event2/event.h openssl/ssl.h systemd/sd-daemon.h

LIB_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/*.c))
CLI_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/cli/*.c))
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
SOURCES := $(wildcard lib/*.[ch] cmd/*/*.[ch] tests/*/*.[ch])
# Composed from the tools; installed beside them.
COMPOSED := onboard offboard nightly-sync backup restore sp-metrics sp-status-page
SCRIPTS := $(filter-out scripts/systemd scripts/fail2ban scripts/monitoring,$(wildcard scripts/*)) \
           $(wildcard tests/run tests/*.sh tests/fuzz/run .ci/run tests/*/*.sh tests/*/*.bash) \
           $(wildcard debian/*.prerm debian/*.postrm) completions/sp.bash
tool_obj = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$(1)/*.c))

all: $(TOOLS:%=$(BIN)/%)

$(BUILD)/libsp.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

define tool_rule
$(BIN)/$(1): $(call tool_obj,$(1)) $(CLI_OBJ) $(BUILD)/libsp.a
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(if $$(filter sp-register,$(1)),$$(SIP_LIBS)) $$(if $$(filter sp-status,$(1)),$$(TUI_LIBS)) $$(CLI_LIBS) $$(LIB_LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rule,$(t))))

# The page of sp-status --html is written as a page; each file becomes a string.
PAGE := $(patsubst %,cmd/sp-status/page/page.%,html css js)
$(BIN)/sp-status: $(BUILD)/cmd/sp-status/page.o

$(BUILD)/cmd/sp-status/page.c: $(PAGE) Makefile
	@mkdir -p $(@D)
	{ echo '#include "cmd/sp-status/html.h"'; for kind in HTML CSS JS; do \
		echo "const char SP_PAGE_$$kind[] ="; \
		sed 's/["\?]/\\&/g; s/.*/"&\\n"/' \
			$$(echo cmd/sp-status/page/page.$$kind | tr A-Z a-z) && \
		echo ';' || exit 1; \
	done; } >$@

$(BUILD)/%.o: $(BUILD)/%.c
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Told once, in place of a page of errors about the first header.
$(BUILD)/has-packages:
	@mkdir -p $(@D)
	@command -v $(firstword $(CC)) >/dev/null && \
		printf '#include <%s>\n' $(HEADERS) | $(CC) -E - >/dev/null 2>&1 || { \
		echo 'make: packages to build with are missing, which' \
			'scripts/install-deps build installs' >&2; exit 1; }
	@touch $@

$(BUILD)/%.o: %.c Makefile | $(BUILD)/has-packages
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# What both load generators are made of.
BENCH_PARTS := args digest load measure phone text wire

build/regload: $(patsubst %,tests/bench/%.c,regload $(BENCH_PARTS))
build/callload: $(patsubst %,tests/bench/%.c,callload calls callee dialog $(BENCH_PARTS))
build/regload build/callload:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) -lcrypto

build/udpecho build/stopwatch build/flood: build/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^)

# ---- tests -----------------------------------------------------------------
# A unit program links what it tests: the core, the shared command-line parts,
# the SIP parts that need no main, and those of --watch that need no terminal.
SIP_OBJ := $(filter-out %/main.o,$(call tool_obj,sp-register))
WATCH_OBJ := $(patsubst %,$(BUILD)/cmd/sp-status/%.o,watch_rows watch_view)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(SIP_OBJ) $(WATCH_OBJ) $(CLI_OBJ) $(BUILD)/libsp.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(SIP_LIBS) $(CLI_LIBS) $(LIB_LIBS)

# Raw SIP messages for the tests.
$(BUILD)/sipsend: $(BUILD)/tests/clients/sipsend.o $(SIP_OBJ) $(BUILD)/libsp.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(SIP_LIBS) $(LIB_LIBS)

unit: $(UNIT)
	@for u in $(UNIT); do $$u >$$u.log 2>&1 || { cat $$u.log; exit 1; }; \
		tail -n 1 $$u.log | sed "s|^|$$(basename $$u) |"; done

# Fuzz targets: with clang, in a build of their own.
FUZZ         ?= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SECONDS ?= 10

# Calls are timed by a clock of the target's own.
$(BUILD)/fuzz/service: LDFLAGS += -Wl,--wrap=sp_clock_monotonic_ms

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(SIP_OBJ) $(CLI_OBJ) $(BUILD)/libsp.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(SIP_LIBS) $(CLI_LIBS) $(LIB_LIBS)

fuzzers: $(FUZZ:%=$(BUILD)/fuzz/%)

fuzz-build:
	@scripts/install-deps build fuzz
	@$(MAKE) -s CC=clang BUILD=build-fuzz OPT='-O1 -g' \
		SAN=fuzzer,address,undefined fuzzers

# FUZZ=uri: that target alone.
fuzz: fuzz-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ)

# Everything that the tests run, of one build.
testable: all $(UNIT) $(BUILD)/sipsend

# Installs what is missing; the suites run with the plain and with a sanitized
# build, then each fuzz target for a while.
check:
	@scripts/install-deps build test fuzz
	@$(MAKE) -s testable
	@$(MAKE) -s SAN=address,undefined OPT='-O1 -g' testable
	@$(MAKE) -s fuzz-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run

lint:
	clang-format --dry-run -Werror $(SOURCES)
	shellcheck $(SCRIPTS)

fmt:
	clang-format -i $(SOURCES)

bench:
	@scripts/install-deps build bench
	@$(MAKE) -s all build/regload build/callload build/udpecho \
		build/stopwatch build/flood
	@tests/bench/bench.sh $(BENCH)

demo:
	@scripts/install-deps build demo
	@$(MAKE) -s all
	@scripts/demo

# ---- installing ------------------------------------------------------------
MAN := $(wildcard cmd/*/*.1 cmd/*.5 cmd/*.7)
UNITS  := $(DESTDIR)$(PREFIX)/lib/systemd/system
SHARE  := $(DESTDIR)$(PREFIX)/share

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(TOOLS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	for page in $(MAN); do \
		dir=$(SHARE)/man/man$${page##*.}; \
		install -d $$dir && install -m 644 $$page $$dir || exit 1; \
	done
	install -d $(SHARE)/sp/scripts
	install -m 755 $(COMPOSED:%=scripts/%) $(SHARE)/sp/scripts
	install -d $(UNITS) $(SHARE)/sp/fail2ban
	install -m 644 scripts/systemd/* $(UNITS)
	sed -i 's|/usr/bin/sp-|$(PREFIX)/bin/sp-|' $(UNITS)/sp-register.service
	sed -i 's|/usr/share/sp/|$(PREFIX)/share/sp/|; s|PATH=/usr/bin|PATH=$(PREFIX)/bin:/usr/bin|' \
		$(UNITS)/sp-metrics.service $(UNITS)/sp-status-page.service
	install -m 644 scripts/fail2ban/* $(SHARE)/sp/fail2ban
	install -d $(SHARE)/sp/monitoring
	install -m 644 scripts/monitoring/* $(SHARE)/sp/monitoring
	# bash and fish look for a file of the tool's name.
	for tool in $(TOOLS); do \
		install -D -m 644 completions/sp.bash \
			$(SHARE)/bash-completion/completions/$$tool && \
		install -D -m 644 completions/sp.fish \
			$(SHARE)/fish/vendor_completions.d/$$tool.fish || exit 1; \
	done
	install -D -m 644 completions/_sp $(SHARE)/zsh/site-functions/_sp

# ---- packages --------------------------------------------------------------
# The last commit as a tarball: the same bytes from each clone.
DIST := sp-$(VERSION)

dist:
	@mkdir -p build
	@git -c tar.umask=0022 -c core.autocrlf=false archive \
		--prefix=$(DIST)/ -o build/$(DIST).tar HEAD
	@xz -9 -T 1 -f build/$(DIST).tar
	@echo build/$(DIST).tar.xz

# The tree as it is as a Debian package.
deb:
	@scripts/install-deps build packaging
	@rm -rf build/deb
	@scripts/build-deb build/deb
	@lintian --allow-root --fail-on error,warning build/deb/*.changes

# Installs, upgrades and purges it in a chroot; as root, with a Debian mirror.
check-deb:
	@scripts/install-deps build packaging
	@tests/check-deb.sh

clean:
	rm -rf bin build build-san build-fuzz

.PHONY: all unit testable fuzzers fuzz-build fuzz check lint fmt bench demo install dist deb check-deb clean
.DELETE_ON_ERROR:

-include $(shell find build build-san build-fuzz -name '*.d' 2>/dev/null)
