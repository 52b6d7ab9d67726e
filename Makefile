# t5k: T5-family models on a CPU, with top-k attention. `make help` lists the targets.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
CONFIG    ?= release
BUILD     ?= build/$(CONFIG)

# make's own defaults are cc and g++; what the user sets wins.
ifeq ($(origin CC),default)
CC        := gcc
endif
PKGS      := libcjson zlib
CPPFLAGS  += -I. -D_GNU_SOURCE -DT5K_VERSION='"$(VERSION)"'
# No contraction: a multiply and an add fuse only where the source says fma, so that every variant of a kernel gives the same bits.
FLAGS     := -O3 -g -pthread -fPIC -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wshadow -Wconversion -MMD -MP
ifeq ($(CONFIG),sanitize)
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef WERROR
FLAGS     += -Werror # not with the sanitizers, whose own code makes the compiler warn of what is not there
endif
# clang's, for tests/fuzz/run.sh. Checking vptr would need the runtime for C++.
ifeq ($(CONFIG),fuzz)
SANITIZE  := -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ALL_CFLAGS   = -std=gnu11 $(FLAGS) $(SANITIZE) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(FLAGS) $(SANITIZE) $(CXXFLAGS)
ALL_LDFLAGS  = $(SANITIZE) $(LDFLAGS)
# SentencePiece's own package file asks for libraries that its users do not need and that Debian 13 does not bring.
LIBS       = -lsentencepiece $(shell pkg-config --libs $(PKGS)) -lstdc++ -pthread -lm

# What runs is shown in one short line, or whole with V=1.
ifeq ($(V),)
say        = @printf '  %-4s %s\n' $(1) $(2);
endif

objects    = $(patsubst %.c,$(BUILD)/%.o,$(patsubst %.cc,$(BUILD)/%.o,$(wildcard $(1))))
LIB_OBJ   := $(call objects,runtime/*.c model/*.c model/checkpoint/*.c tokenizer/*.c tokenizer/*.cc)
TOOL_OBJ  := $(filter-out %/main.o,$(call objects,tools/*.c tools/data/*.c tools/metrics/*.c))
SUPPORT   := $(call objects,tests/support/*.c)
TESTS     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
FUZZERS   := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
# A fuzz target is linked with the fuzzer, or with a main that replays files. The readers do without kernels.
ifeq ($(CONFIG),fuzz)
FUZZ_MAIN := -fsanitize=fuzzer
LIB_OBJ   := $(filter-out $(BUILD)/runtime/kernels_%.o,$(LIB_OBJ))
TOOL_OBJ  := $(filter $(BUILD)/tools/data/%.o,$(TOOL_OBJ))
else
FUZZ_MAIN := $(BUILD)/tests/fuzz/replay.o
endif

all: $(BUILD)/t5k ## build the program (the default)

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: ## install the packages that a build needs and that are missing, with apt
	@tools/setup.sh

# What one test and one benchmark compare with; t5k itself does without.
setup-openblas: setup
	@tools/setup.sh openblas

OPENBLAS  := $(BUILD)/tests/test_openblas $(BUILD)/tests/bench/gemm
$(OPENBLAS:=.o): | setup-openblas
$(OPENBLAS:=.o): CPPFLAGS += $(shell pkg-config --cflags openblas)
$(OPENBLAS): LIBS += $(shell pkg-config --libs openblas)

$(LIB_OBJ) $(TOOL_OBJ) $(SUPPORT) $(BUILD)/tools/main.o: | setup

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) $(CPPFLAGS) $(ALL_CXXFLAGS) -c $< -o $@

# Text files that the program contains, as string literals.
$(BUILD)/%.inc: %
	@mkdir -p $(@D)
	@sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $< >$@

$(BUILD)/tools/report_page.o: $(BUILD)/tools/report/page.css.inc $(BUILD)/tools/report/page.js.inc
$(BUILD)/tools/report_page.o: CPPFLAGS += -I$(BUILD)

$(BUILD)/libt5k.a: $(LIB_OBJ)
$(BUILD)/libtools.a: $(TOOL_OBJ)
$(BUILD)/libsupport.a: $(SUPPORT)
$(BUILD)/%.a:
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

# The name that programs are linked with carries the number of the binary interface: it changes when a public struct or function does.
$(BUILD)/libt5k.so: $(LIB_OBJ) tools/t5k.map
	$(call say,LINK,$@)$(CC) -shared -Wl,-soname,libt5k.so.0 -Wl,--version-script=tools/t5k.map $(ALL_LDFLAGS) $(LIB_OBJ) $(LIBS) -o $@

$(BUILD)/t5k: $(BUILD)/tools/main.o $(BUILD)/libtools.a $(BUILD)/libt5k.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libsupport.a $(BUILD)/libtools.a $(BUILD)/libt5k.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs check) $(LIBS) -o $@

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(filter %.o,$(FUZZ_MAIN)) \
                            $(BUILD)/libtools.a $(BUILD)/libt5k.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) $(filter -%,$(FUZZ_MAIN)) $^ $(LIBS) -o $@

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libt5k.a
	$(call say,LINK,$@)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

demo: $(BUILD)/t5k ## build, then answer some questions with the embedded model
	@tools/demo.sh $(BUILD)/t5k

check: $(BUILD)/t5k $(TESTS) $(FUZZERS) ## build and run all tests
	@tests/run.sh $(BUILD) $(TESTS)

check-sanitize: ## the same under the address and undefined-behaviour sanitizers
	@$(MAKE) CONFIG=sanitize BUILD=build/sanitize check

check-aarch64: ## build for 64-bit Arm and run the tests there, in qemu (Debian: g++-aarch64-linux-gnu qemu-user)
	@MAKE="$(MAKE)" tests/aarch64.sh

fuzz: ## fuzz one reader with clang's libFuzzer: make fuzz TARGET=gguf RUNS=1000000
	@tests/fuzz/run.sh run "$(TARGET)" "$(RUNS)"

install: $(BUILD)/t5k $(BUILD)/libt5k.a $(BUILD)/libt5k.so ## install under PREFIX (/usr/local), below DESTDIR
	@tools/install.sh "$(BUILD)" "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"

clean: ## remove what was built
	rm -rf build

.PHONY: all help setup setup-openblas demo check check-sanitize check-aarch64 fuzz install clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
