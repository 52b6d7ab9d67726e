# t5k: T5-family models on a CPU, with top-k attention. `make help` lists the targets.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
CONFIG    ?= release
BUILD     ?= build/$(CONFIG)

# make's own defaults are cc and g++; what the user sets wins.
ifeq ($(origin CC),default)
CC        := gcc
endif
PKGS      := sentencepiece libcjson zlib
CPPFLAGS  += -I. -D_GNU_SOURCE -DT5K_VERSION='"$(VERSION)"'
# No contraction: a multiply and an add fuse only where the source says fma, so that every variant of a kernel gives the same bits.
FLAGS     := -O3 -g -pthread -fPIC -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wshadow -Wconversion -MMD -MP
ifdef WERROR
FLAGS     += -Werror
endif
ifeq ($(CONFIG),sanitize)
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ALL_CFLAGS   = -std=gnu11 $(FLAGS) $(SANITIZE) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(FLAGS) $(SANITIZE) $(CXXFLAGS)
# SentencePiece's package also names its training library, which is not used.
ALL_LDFLAGS  = -Wl,--as-needed $(SANITIZE) $(LDFLAGS)
LIBS       = $(shell pkg-config --libs $(PKGS)) -lstdc++ -pthread -lm

objects    = $(patsubst %.c,$(BUILD)/%.o,$(patsubst %.cc,$(BUILD)/%.o,$(wildcard $(1))))
LIB_OBJ   := $(call objects,runtime/*.c model/*.c model/checkpoint/*.c tokenizer/*.c tokenizer/*.cc)
TOOL_OBJ  := $(filter-out %/main.o,$(call objects,tools/*.c tools/data/*.c tools/metrics/*.c))
SUPPORT   := $(call objects,tests/support/*.c)
TESTS     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(BUILD)/t5k ## build the program (the default)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

setup: ## install the packages that a build needs and that are missing, with apt
	@tools/setup.sh

$(LIB_OBJ) $(TOOL_OBJ) $(SUPPORT) $(BUILD)/tools/main.o: | setup

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(ALL_CXXFLAGS) $(shell pkg-config --cflags sentencepiece) -c $< -o $@

$(BUILD)/libt5k.a: $(LIB_OBJ)
$(BUILD)/libtools.a: $(TOOL_OBJ)
$(BUILD)/libsupport.a: $(SUPPORT)
$(BUILD)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/t5k: $(BUILD)/tools/main.o $(BUILD)/libtools.a $(BUILD)/libt5k.a
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libsupport.a $(BUILD)/libtools.a $(BUILD)/libt5k.a
	$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs check) $(LIBS) -o $@

$(BUILD)/tests/bench/requests: $(BUILD)/tests/bench/requests.o $(BUILD)/libt5k.a
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

demo: $(BUILD)/t5k ## build, then answer some questions with the embedded model
	@tools/demo.sh $(BUILD)/t5k

check: $(BUILD)/t5k $(TESTS) ## build and run all tests
	@tests/run.sh $(BUILD) $(TESTS)

check-sanitize: ## the same under the address and undefined-behaviour sanitizers
	@$(MAKE) CONFIG=sanitize BUILD=build/sanitize check

install: $(BUILD)/t5k $(BUILD)/libt5k.a ## install under PREFIX (/usr/local), below DESTDIR
	@tools/install.sh "$(BUILD)" "$(DESTDIR)" "$(PREFIX)" "$(VERSION)"

clean: ## remove what was built
	rm -rf build

.PHONY: all help setup demo check check-sanitize install clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
